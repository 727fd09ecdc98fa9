module @jit_waveform_of_binomial_log_mass attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<3xi32>, %arg1: tensor<3xf32>) -> (tensor<3xf32> {jax.result_info = "result"}) {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<14> : tensor<i32>
    %0 = call @clip(%arg0, %c, %c_0) : (tensor<3xi32>, tensor<i32>, tensor<i32>) -> tensor<3xi32>
    %1 = stablehlo.convert %0 : (tensor<3xi32>) -> tensor<3xf32>
    %cst = stablehlo.constant dense<2.000000e-02> : tensor<f32>
    %cst_1 = stablehlo.constant dense<9.800000e-01> : tensor<f32>
    %2 = call @clip_0(%arg1, %cst, %cst_1) : (tensor<3xf32>, tensor<f32>, tensor<f32>) -> tensor<3xf32>
    %cst_2 = stablehlo.constant dense<1.500000e+01> : tensor<f32>
    %3 = chlo.lgamma %cst_2 : tensor<f32> -> tensor<f32>
    %cst_3 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %4 = stablehlo.broadcast_in_dim %cst_3, dims = [] : (tensor<f32>) -> tensor<3xf32>
    %5 = stablehlo.add %1, %4 : tensor<3xf32>
    %6 = chlo.lgamma %5 : tensor<3xf32> -> tensor<3xf32>
    %7 = stablehlo.convert %3 : tensor<f32>
    %8 = stablehlo.broadcast_in_dim %7, dims = [] : (tensor<f32>) -> tensor<3xf32>
    %9 = stablehlo.subtract %8, %6 : tensor<3xf32>
    %cst_4 = stablehlo.constant dense<1.400000e+01> : tensor<f32>
    %10 = stablehlo.broadcast_in_dim %cst_4, dims = [] : (tensor<f32>) -> tensor<3xf32>
    %11 = stablehlo.subtract %10, %1 : tensor<3xf32>
    %cst_5 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %12 = stablehlo.broadcast_in_dim %cst_5, dims = [] : (tensor<f32>) -> tensor<3xf32>
    %13 = stablehlo.add %11, %12 : tensor<3xf32>
    %14 = chlo.lgamma %13 : tensor<3xf32> -> tensor<3xf32>
    %15 = stablehlo.subtract %9, %14 : tensor<3xf32>
    %16 = stablehlo.log %2 : tensor<3xf32>
    %17 = stablehlo.multiply %1, %16 : tensor<3xf32>
    %18 = stablehlo.add %15, %17 : tensor<3xf32>
    %cst_6 = stablehlo.constant dense<1.400000e+01> : tensor<f32>
    %19 = stablehlo.broadcast_in_dim %cst_6, dims = [] : (tensor<f32>) -> tensor<3xf32>
    %20 = stablehlo.subtract %19, %1 : tensor<3xf32>
    %21 = stablehlo.negate %2 : tensor<3xf32>
    %22 = stablehlo.log_plus_one %21 : tensor<3xf32>
    %23 = stablehlo.multiply %20, %22 : tensor<3xf32>
    %24 = stablehlo.add %18, %23 : tensor<3xf32>
    %cst_7 = stablehlo.constant dense<1.290000e+00> : tensor<f32>
    %25 = stablehlo.broadcast_in_dim %cst_7, dims = [] : (tensor<f32>) -> tensor<3xf32>
    %26 = stablehlo.divide %24, %25 : tensor<3xf32>
    %cst_8 = stablehlo.constant dense<1.290000e+00> : tensor<f32>
    %27 = stablehlo.broadcast_in_dim %cst_8, dims = [] : (tensor<f32>) -> tensor<3xf32>
    %28 = stablehlo.divide %24, %27 : tensor<3xf32>
    %29 = stablehlo.floor %28 : tensor<3xf32>
    %30 = stablehlo.subtract %26, %29 : tensor<3xf32>
    %cst_9 = stablehlo.constant dense<5.000000e-01> : tensor<f32>
    %31 = stablehlo.broadcast_in_dim %cst_9, dims = [] : (tensor<f32>) -> tensor<3xf32>
    %32 = stablehlo.compare LT, %30, %31, FLOAT : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
    %c_10 = stablehlo.constant dense<1> : tensor<i32>
    %c_11 = stablehlo.constant dense<-1> : tensor<i32>
    %33 = call @_where(%32, %c_10, %c_11) : (tensor<3xi1>, tensor<i32>, tensor<i32>) -> tensor<3xi32>
    %cst_12 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %34 = stablehlo.broadcast_in_dim %cst_12, dims = [] : (tensor<f32>) -> tensor<3xf32>
    %35 = stablehlo.convert %33 : (tensor<3xi32>) -> tensor<3xf32>
    %36 = stablehlo.multiply %35, %34 : tensor<3xf32>
    return %36 : tensor<3xf32>
  }
  func.func private @clip(%arg0: tensor<3xi32>, %arg1: tensor<i32>, %arg2: tensor<i32>) -> tensor<3xi32> {
    %0 = stablehlo.convert %arg1 : tensor<i32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %2 = stablehlo.maximum %1, %arg0 : tensor<3xi32>
    %3 = stablehlo.convert %arg2 : tensor<i32>
    %4 = stablehlo.broadcast_in_dim %3, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %5 = stablehlo.minimum %4, %2 : tensor<3xi32>
    return %5 : tensor<3xi32>
  }
  func.func private @clip_0(%arg0: tensor<3xf32>, %arg1: tensor<f32>, %arg2: tensor<f32>) -> tensor<3xf32> {
    %0 = stablehlo.convert %arg1 : tensor<f32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [] : (tensor<f32>) -> tensor<3xf32>
    %2 = stablehlo.maximum %1, %arg0 : tensor<3xf32>
    %3 = stablehlo.convert %arg2 : tensor<f32>
    %4 = stablehlo.broadcast_in_dim %3, dims = [] : (tensor<f32>) -> tensor<3xf32>
    %5 = stablehlo.minimum %4, %2 : tensor<3xf32>
    return %5 : tensor<3xf32>
  }
  func.func private @_where(%arg0: tensor<3xi1>, %arg1: tensor<i32>, %arg2: tensor<i32>) -> tensor<3xi32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %1 = stablehlo.broadcast_in_dim %arg2, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %2 = stablehlo.select %arg0, %0, %1 : tensor<3xi1>, tensor<3xi32>
    return %2 : tensor<3xi32>
  }
}
