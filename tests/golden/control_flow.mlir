module @jit_backtracking_of_taylor_trig attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<5xf32>, %arg1: tensor<5x8xf32>) -> (tensor<5xf32> {jax.result_info = "result"}) {
    %0 = stablehlo.abs %arg0 : tensor<5xf32>
    %1 = stablehlo.multiply %0, %0 : tensor<5xf32>
    %2 = stablehlo.exponential %1 : tensor<5xf32>
    %3 = chlo.erfc %0 : tensor<5xf32> -> tensor<5xf32>
    %4 = stablehlo.multiply %2, %3 : tensor<5xf32>
    %5 = stablehlo.multiply %4, %4 : tensor<5xf32>
    %cst = stablehlo.constant dense<6.000000e+00> : tensor<f32>
    %6 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<5xf32>
    %7 = stablehlo.divide %5, %6 : tensor<5xf32>
    %cst_0 = stablehlo.constant dense<2.000000e+01> : tensor<f32>
    %8 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<5xf32>
    %9 = stablehlo.divide %5, %8 : tensor<5xf32>
    %cst_1 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %10 = stablehlo.broadcast_in_dim %cst_1, dims = [] : (tensor<f32>) -> tensor<5xf32>
    %11 = stablehlo.add %10, %9 : tensor<5xf32>
    %12 = stablehlo.multiply %7, %11 : tensor<5xf32>
    %cst_2 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %13 = stablehlo.broadcast_in_dim %cst_2, dims = [] : (tensor<f32>) -> tensor<5xf32>
    %14 = stablehlo.add %13, %12 : tensor<5xf32>
    %15 = stablehlo.multiply %4, %14 : tensor<5xf32>
    %cst_3 = stablehlo.constant dense<0x7F800000> : tensor<f32>
    %16 = stablehlo.reduce(%arg1 init: %cst_3) across dimensions = [1] : (tensor<5x8xf32>, tensor<f32>) -> tensor<5xf32>
     reducer(%arg2: tensor<f32>, %arg3: tensor<f32>)  {
      %25 = stablehlo.abs %arg2 : tensor<f32>
      %26 = stablehlo.abs %arg3 : tensor<f32>
      %27 = stablehlo.compare LT, %25, %26, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %28 = stablehlo.compare EQ, %25, %26, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %29 = stablehlo.compare GE, %arg2, %arg3, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %30 = stablehlo.and %28, %29 : tensor<i1>
      %31 = stablehlo.or %27, %30 : tensor<i1>
      %32 = stablehlo.select %31, %arg2, %arg3 : tensor<i1>, tensor<f32>
      stablehlo.return %32 : tensor<f32>
    }
    %17 = call @sort(%15) : (tensor<5xf32>) -> tensor<5xf32>
    %18 = stablehlo.slice %17 [1:4] : (tensor<5xf32>) -> tensor<3xf32>
    %cst_4 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %19 = stablehlo.reduce(%18 init: %cst_4) applies stablehlo.add across dimensions = [0] : (tensor<3xf32>, tensor<f32>) -> tensor<f32>
    %cst_5 = stablehlo.constant dense<3.000000e+00> : tensor<f32>
    %20 = stablehlo.divide %19, %cst_5 : tensor<f32>
    %cst_6 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %21:5 = stablehlo.while(%iterArg = %16, %iterArg_7 = %15, %iterArg_8 = %20, %iterArg_9 = %cst_6, %iterArg_10 = %c) : tensor<5xf32>, tensor<5xf32>, tensor<f32>, tensor<f32>, tensor<i32>
    cond {
      %25 = stablehlo.broadcast_in_dim %iterArg_9, dims = [] : (tensor<f32>) -> tensor<5xf32>
      %26 = stablehlo.multiply %25, %iterArg : tensor<5xf32>
      %27 = stablehlo.subtract %iterArg_7, %26 : tensor<5xf32>
      %28 = func.call @sort_0(%27) : (tensor<5xf32>) -> tensor<5xf32>
      %29 = stablehlo.slice %28 [1:4] : (tensor<5xf32>) -> tensor<3xf32>
      %cst_11 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
      %30 = stablehlo.reduce(%29 init: %cst_11) applies stablehlo.add across dimensions = [0] : (tensor<3xf32>, tensor<f32>) -> tensor<f32>
      %cst_12 = stablehlo.constant dense<3.000000e+00> : tensor<f32>
      %31 = stablehlo.divide %30, %cst_12 : tensor<f32>
      %32 = stablehlo.compare GT, %31, %iterArg_8, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %c_13 = stablehlo.constant dense<5> : tensor<i32>
      %33 = stablehlo.compare LT, %iterArg_10, %c_13, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %c_14 = stablehlo.constant dense<false> : tensor<i1>
      %34 = stablehlo.broadcast_in_dim %c_14, dims = [] : (tensor<i1>) -> tensor<i1>
      %35 = stablehlo.compare NE, %33, %34, UNSIGNED : (tensor<i1>, tensor<i1>) -> tensor<i1>
      %36 = stablehlo.convert %35 : tensor<i1>
      %37 = stablehlo.and %32, %36 : tensor<i1>
      stablehlo.return %37 : tensor<i1>
    } do {
      %cst_11 = stablehlo.constant dense<2.000000e+00> : tensor<f32>
      %25 = stablehlo.divide %iterArg_9, %cst_11 : tensor<f32>
      %c_12 = stablehlo.constant dense<1> : tensor<i32>
      %26 = stablehlo.add %iterArg_10, %c_12 : tensor<i32>
      stablehlo.return %iterArg, %iterArg_7, %iterArg_8, %25, %26 : tensor<5xf32>, tensor<5xf32>, tensor<f32>, tensor<f32>, tensor<i32>
    }
    %22 = stablehlo.broadcast_in_dim %21#3, dims = [] : (tensor<f32>) -> tensor<5xf32>
    %23 = stablehlo.multiply %22, %16 : tensor<5xf32>
    %24 = stablehlo.subtract %15, %23 : tensor<5xf32>
    return %24 : tensor<5xf32>
  }
  func.func private @sort(%arg0: tensor<5xf32>) -> tensor<5xf32> {
    %0 = "stablehlo.sort"(%arg0) <{dimension = 0 : i64, is_stable = true}> ({
    ^bb0(%arg1: tensor<f32>, %arg2: tensor<f32>):
      %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
      %1 = stablehlo.compare EQ, %arg1, %cst, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
      %2 = stablehlo.select %1, %cst_0, %arg1 : tensor<i1>, tensor<f32>
      %3 = stablehlo.compare NE, %arg1, %arg1, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %cst_1 = stablehlo.constant dense<0x7FC00000> : tensor<f32>
      %4 = stablehlo.select %3, %cst_1, %2 : tensor<i1>, tensor<f32>
      %cst_2 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
      %5 = stablehlo.compare EQ, %arg2, %cst_2, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %cst_3 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
      %6 = stablehlo.select %5, %cst_3, %arg2 : tensor<i1>, tensor<f32>
      %7 = stablehlo.compare NE, %arg2, %arg2, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %cst_4 = stablehlo.constant dense<0x7FC00000> : tensor<f32>
      %8 = stablehlo.select %7, %cst_4, %6 : tensor<i1>, tensor<f32>
      %9 = stablehlo.compare LT, %4, %8, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
      stablehlo.return %9 : tensor<i1>
    }) : (tensor<5xf32>) -> tensor<5xf32>
    return %0 : tensor<5xf32>
  }
  func.func private @sort_0(%arg0: tensor<5xf32>) -> tensor<5xf32> {
    %0 = "stablehlo.sort"(%arg0) <{dimension = 0 : i64, is_stable = true}> ({
    ^bb0(%arg1: tensor<f32>, %arg2: tensor<f32>):
      %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
      %1 = stablehlo.compare EQ, %arg1, %cst, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
      %2 = stablehlo.select %1, %cst_0, %arg1 : tensor<i1>, tensor<f32>
      %3 = stablehlo.compare NE, %arg1, %arg1, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %cst_1 = stablehlo.constant dense<0x7FC00000> : tensor<f32>
      %4 = stablehlo.select %3, %cst_1, %2 : tensor<i1>, tensor<f32>
      %cst_2 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
      %5 = stablehlo.compare EQ, %arg2, %cst_2, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %cst_3 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
      %6 = stablehlo.select %5, %cst_3, %arg2 : tensor<i1>, tensor<f32>
      %7 = stablehlo.compare NE, %arg2, %arg2, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %cst_4 = stablehlo.constant dense<0x7FC00000> : tensor<f32>
      %8 = stablehlo.select %7, %cst_4, %6 : tensor<i1>, tensor<f32>
      %9 = stablehlo.compare LT, %4, %8, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
      stablehlo.return %9 : tensor<i1>
    }) : (tensor<5xf32>) -> tensor<5xf32>
    return %0 : tensor<5xf32>
  }
}
