module @jit_shortest_paths_of_gated_linear_unit attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<3x32xf32>, %arg1: tensor<16x32xf32>) -> (tensor<16x16xf32> {jax.result_info = "result"}) {
    %0 = stablehlo.iota dim = 0 : tensor<16xf32>
    %cst = stablehlo.constant dense<-2.500000e-01> : tensor<f32>
    %1 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<16xf32>
    %2 = stablehlo.multiply %0, %1 : tensor<16xf32>
    %3 = stablehlo.exponential %2 : tensor<16xf32>
    %4 = stablehlo.iota dim = 0 : tensor<16xf32>
    %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<16xf32>) -> tensor<16x1xf32>
    %6 = stablehlo.broadcast_in_dim %3, dims = [1] : (tensor<16xf32>) -> tensor<1x16xf32>
    %7 = stablehlo.broadcast_in_dim %5, dims = [0, 1] : (tensor<16x1xf32>) -> tensor<16x16xf32>
    %8 = stablehlo.broadcast_in_dim %6, dims = [0, 1] : (tensor<1x16xf32>) -> tensor<16x16xf32>
    %9 = stablehlo.multiply %7, %8 : tensor<16x16xf32>
    %10 = stablehlo.sine %9 : tensor<16x16xf32>
    %11 = stablehlo.cosine %9 : tensor<16x16xf32>
    %12 = stablehlo.concatenate %10, %11, dim = 1 : (tensor<16x16xf32>, tensor<16x16xf32>) -> tensor<16x32xf32>
    %cst_0 = stablehlo.constant dense<4.760000e-01> : tensor<f32>
    %13 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<16x32xf32>
    %14 = stablehlo.multiply %13, %12 : tensor<16x32xf32>
    %15 = stablehlo.add %arg1, %14 : tensor<16x32xf32>
    %16 = stablehlo.transpose %arg0, dims = [1, 0] : (tensor<3x32xf32>) -> tensor<32x3xf32>
    %17 = stablehlo.dot_general %15, %16, contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT] : (tensor<16x32xf32>, tensor<32x3xf32>) -> tensor<16x3xf32>
    %18 = stablehlo.abs %17 : tensor<16x3xf32>
    %19 = stablehlo.multiply %17, %18 : tensor<16x3xf32>
    %cst_1 = stablehlo.constant dense<1.430000e+00> : tensor<f32>
    %20 = stablehlo.broadcast_in_dim %cst_1, dims = [] : (tensor<f32>) -> tensor<16x3xf32>
    %21 = stablehlo.multiply %20, %19 : tensor<16x3xf32>
    %22 = stablehlo.dot_general %21, %arg0, contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT] : (tensor<16x3xf32>, tensor<3x32xf32>) -> tensor<16x32xf32>
    %cst_2 = stablehlo.constant dense<3.200000e+01> : tensor<f32>
    %23 = stablehlo.broadcast_in_dim %cst_2, dims = [] : (tensor<f32>) -> tensor<16x32xf32>
    %24 = stablehlo.divide %22, %23 : tensor<16x32xf32>
    %25 = stablehlo.tanh %24 : tensor<16x32xf32>
    %26 = stablehlo.iota dim = 0 : tensor<17xf32>
    %cst_3 = stablehlo.constant dense<3.200000e+01> : tensor<f32>
    %27 = stablehlo.broadcast_in_dim %cst_3, dims = [] : (tensor<f32>) -> tensor<17xf32>
    %28 = stablehlo.divide %26, %27 : tensor<17xf32>
    %cst_4 = stablehlo.constant dense<6.28318548> : tensor<f32>
    %29 = stablehlo.broadcast_in_dim %cst_4, dims = [] : (tensor<f32>) -> tensor<17xf32>
    %30 = stablehlo.multiply %29, %28 : tensor<17xf32>
    %31 = call @fft(%25) : (tensor<16x32xf32>) -> tensor<16x17xcomplex<f32>>
    %cst_5 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %32 = stablehlo.broadcast_in_dim %cst_5, dims = [] : (tensor<f32>) -> tensor<17xf32>
    %33 = stablehlo.complex %32, %30 : tensor<17xcomplex<f32>>
    %34 = stablehlo.broadcast_in_dim %33, dims = [1] : (tensor<17xcomplex<f32>>) -> tensor<1x17xcomplex<f32>>
    %35 = stablehlo.broadcast_in_dim %34, dims = [0, 1] : (tensor<1x17xcomplex<f32>>) -> tensor<16x17xcomplex<f32>>
    %36 = stablehlo.multiply %31, %35 : tensor<16x17xcomplex<f32>>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %37 = call @_pad(%36, %c) : (tensor<16x17xcomplex<f32>>, tensor<i32>) -> tensor<16x17xcomplex<f32>>
    %38 = call @fft_0(%37) : (tensor<16x17xcomplex<f32>>) -> tensor<16x32xf32>
    %39 = stablehlo.slice %38 [0:16, 0:16] : (tensor<16x32xf32>) -> tensor<16x16xf32>
    %40 = stablehlo.slice %38 [0:16, 16:32] : (tensor<16x32xf32>) -> tensor<16x16xf32>
    %41 = call @silu(%40) : (tensor<16x16xf32>) -> tensor<16x16xf32>
    %42 = stablehlo.multiply %39, %41 : tensor<16x16xf32>
    %43 = stablehlo.iota dim = 0 : tensor<16x16xi32>
    %44 = stablehlo.iota dim = 1 : tensor<16x16xi32>
    %c_6 = stablehlo.constant dense<0> : tensor<i32>
    %45 = stablehlo.broadcast_in_dim %c_6, dims = [] : (tensor<i32>) -> tensor<16x16xi32>
    %46 = stablehlo.add %43, %45 : tensor<16x16xi32>
    %47 = stablehlo.compare EQ, %46, %44, SIGNED : (tensor<16x16xi32>, tensor<16x16xi32>) -> tensor<16x16xi1>
    %48 = stablehlo.abs %42 : tensor<16x16xf32>
    %c_7 = stablehlo.constant dense<0> : tensor<i32>
    %49 = call @_where(%47, %c_7, %48) : (tensor<16x16xi1>, tensor<i32>, tensor<16x16xf32>) -> tensor<16x16xf32>
    %c_8 = stablehlo.constant dense<0> : tensor<i32>
    %50:2 = stablehlo.while(%iterArg = %c_8, %iterArg_9 = %49) : tensor<i32>, tensor<16x16xf32>
    cond {
      %c_10 = stablehlo.constant dense<3> : tensor<i32>
      %51 = stablehlo.compare LT, %iterArg, %c_10, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %51 : tensor<i1>
    } do {
      %51 = func.call @closed_call(%iterArg_9) : (tensor<16x16xf32>) -> tensor<16x16xf32>
      %c_10 = stablehlo.constant dense<1> : tensor<i32>
      %52 = stablehlo.add %iterArg, %c_10 : tensor<i32>
      stablehlo.return %52, %51 : tensor<i32>, tensor<16x16xf32>
    }
    return %50#1 : tensor<16x16xf32>
  }
  func.func private @fft(%arg0: tensor<16x32xf32>) -> tensor<16x17xcomplex<f32>> {
    %0 = stablehlo.fft %arg0, type = RFFT, length = [32] : (tensor<16x32xf32>) -> tensor<16x17xcomplex<f32>>
    return %0 : tensor<16x17xcomplex<f32>>
  }
  func.func private @_pad(%arg0: tensor<16x17xcomplex<f32>>, %arg1: tensor<i32>) -> tensor<16x17xcomplex<f32>> {
    %0 = stablehlo.convert %arg1 : (tensor<i32>) -> tensor<complex<f32>>
    %1 = stablehlo.pad %arg0, %0, low = [0, 0], high = [0, 0], interior = [0, 0] : (tensor<16x17xcomplex<f32>>, tensor<complex<f32>>) -> tensor<16x17xcomplex<f32>>
    return %1 : tensor<16x17xcomplex<f32>>
  }
  func.func private @fft_0(%arg0: tensor<16x17xcomplex<f32>>) -> tensor<16x32xf32> {
    %0 = stablehlo.fft %arg0, type = IRFFT, length = [32] : (tensor<16x17xcomplex<f32>>) -> tensor<16x32xf32>
    return %0 : tensor<16x32xf32>
  }
  func.func private @silu(%arg0: tensor<16x16xf32>) -> tensor<16x16xf32> {
    %0 = stablehlo.negate %arg0 : tensor<16x16xf32>
    %1 = stablehlo.exponential %0 : tensor<16x16xf32>
    %cst = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %2 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<16x16xf32>
    %3 = stablehlo.add %2, %1 : tensor<16x16xf32>
    %cst_0 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %4 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<16x16xf32>
    %5 = stablehlo.divide %4, %3 : tensor<16x16xf32>
    %6 = stablehlo.multiply %arg0, %5 : tensor<16x16xf32>
    return %6 : tensor<16x16xf32>
  }
  func.func private @_where(%arg0: tensor<16x16xi1>, %arg1: tensor<i32>, %arg2: tensor<16x16xf32>) -> tensor<16x16xf32> {
    %0 = stablehlo.convert %arg1 : (tensor<i32>) -> tensor<f32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [] : (tensor<f32>) -> tensor<16x16xf32>
    %2 = stablehlo.select %arg0, %1, %arg2 : tensor<16x16xi1>, tensor<16x16xf32>
    return %2 : tensor<16x16xf32>
  }
  func.func private @closed_call(%arg0: tensor<16x16xf32>) -> tensor<16x16xf32> {
    %0 = stablehlo.broadcast_in_dim %arg0, dims = [0, 1] : (tensor<16x16xf32>) -> tensor<16x16x1xf32>
    %1 = stablehlo.broadcast_in_dim %arg0, dims = [1, 2] : (tensor<16x16xf32>) -> tensor<1x16x16xf32>
    %2 = stablehlo.broadcast_in_dim %0, dims = [0, 1, 2] : (tensor<16x16x1xf32>) -> tensor<16x16x16xf32>
    %3 = stablehlo.broadcast_in_dim %1, dims = [0, 1, 2] : (tensor<1x16x16xf32>) -> tensor<16x16x16xf32>
    %4 = stablehlo.add %2, %3 : tensor<16x16x16xf32>
    %cst = stablehlo.constant dense<0x7F800000> : tensor<f32>
    %5 = stablehlo.reduce(%4 init: %cst) applies stablehlo.minimum across dimensions = [1] : (tensor<16x16x16xf32>, tensor<f32>) -> tensor<16x16xf32>
    %6 = stablehlo.minimum %arg0, %5 : tensor<16x16xf32>
    return %6 : tensor<16x16xf32>
  }
}
