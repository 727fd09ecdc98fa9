module @jit_sampling_mask_of_hopfield_update attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<5x2x2x6xf32>, %arg1: tensor<2x6x5x3xf32>, %arg2: tensor<2x6x5x3xf32>, %arg3: tensor<5xf32>, %arg4: tensor<5xf32>) -> (tensor<5x2x2x6xf32> {jax.result_info = "result"}) {
    %0 = stablehlo.negate %arg1 : tensor<2x6x5x3xf32>
    %1 = stablehlo.exponential %0 : tensor<2x6x5x3xf32>
    %cst = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %2 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<2x6x5x3xf32>
    %3 = stablehlo.add %2, %1 : tensor<2x6x5x3xf32>
    %cst_0 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %4 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<2x6x5x3xf32>
    %5 = stablehlo.divide %4, %3 : tensor<2x6x5x3xf32>
    %6 = stablehlo.multiply %5, %arg2 : tensor<2x6x5x3xf32>
    %cst_1 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %7 = stablehlo.broadcast_in_dim %cst_1, dims = [] : (tensor<f32>) -> tensor<2x6x5x3xf32>
    %8 = stablehlo.subtract %7, %5 : tensor<2x6x5x3xf32>
    %cst_2 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %9 = stablehlo.broadcast_in_dim %cst_2, dims = [] : (tensor<f32>) -> tensor<2x6x5x3xf32>
    %10 = stablehlo.subtract %9, %arg2 : tensor<2x6x5x3xf32>
    %11 = stablehlo.multiply %8, %10 : tensor<2x6x5x3xf32>
    %12 = stablehlo.add %6, %11 : tensor<2x6x5x3xf32>
    %cst_3 = stablehlo.constant dense<1.000000e-03> : tensor<f32>
    %c = stablehlo.constant dense<1> : tensor<i32>
    %13 = call @clip(%12, %cst_3, %c) : (tensor<2x6x5x3xf32>, tensor<f32>, tensor<i32>) -> tensor<2x6x5x3xf32>
    %14 = stablehlo.log %13 : tensor<2x6x5x3xf32>
    %15 = stablehlo.negate %14 : tensor<2x6x5x3xf32>
    %cst_4 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %16 = stablehlo.broadcast_in_dim %cst_4, dims = [] : (tensor<f32>) -> tensor<2x6x5x3xf32>
    %17 = stablehlo.subtract %16, %12 : tensor<2x6x5x3xf32>
    %18 = stablehlo.abs %17 : tensor<2x6x5x3xf32>
    %19 = stablehlo.multiply %18, %18 : tensor<2x6x5x3xf32>
    %20 = stablehlo.multiply %19, %18 : tensor<2x6x5x3xf32>
    %21 = stablehlo.multiply %15, %20 : tensor<2x6x5x3xf32>
    %cst_5 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %22 = stablehlo.reduce(%21 init: %cst_5) applies stablehlo.add across dimensions = [3] : (tensor<2x6x5x3xf32>, tensor<f32>) -> tensor<2x6x5xf32>
    %23 = stablehlo.maximum %arg3, %arg4 : tensor<5xf32>
    %cst_6 = stablehlo.constant dense<1.000000e-01> : tensor<f32>
    %24 = stablehlo.broadcast_in_dim %cst_6, dims = [] : (tensor<f32>) -> tensor<5xf32>
    %25 = stablehlo.add %23, %24 : tensor<5xf32>
    %26 = stablehlo.minimum %arg3, %arg4 : tensor<5xf32>
    %27 = stablehlo.subtract %25, %26 : tensor<5xf32>
    %28 = stablehlo.negate %27 : tensor<5xf32>
    %29 = stablehlo.exponential_minus_one %28 : tensor<5xf32>
    %30 = stablehlo.negate %29 : tensor<5xf32>
    %31 = stablehlo.log %30 : tensor<5xf32>
    %32 = stablehlo.add %25, %31 : tensor<5xf32>
    %33 = call @diff(%32) : (tensor<5xf32>) -> tensor<4xf32>
    %34 = stablehlo.slice %22 [0:2, 0:6, 1:5] : (tensor<2x6x5xf32>) -> tensor<2x6x4xf32>
    %35 = stablehlo.slice %22 [0:2, 0:6, 0:4] : (tensor<2x6x5xf32>) -> tensor<2x6x4xf32>
    %36 = stablehlo.add %34, %35 : tensor<2x6x4xf32>
    %cst_7 = stablehlo.constant dense<2.000000e+00> : tensor<f32>
    %37 = stablehlo.broadcast_in_dim %cst_7, dims = [] : (tensor<f32>) -> tensor<2x6x4xf32>
    %38 = stablehlo.divide %36, %37 : tensor<2x6x4xf32>
    %39 = stablehlo.broadcast_in_dim %33, dims = [2] : (tensor<4xf32>) -> tensor<1x1x4xf32>
    %40 = stablehlo.broadcast_in_dim %39, dims = [0, 1, 2] : (tensor<1x1x4xf32>) -> tensor<2x6x4xf32>
    %41 = stablehlo.multiply %40, %38 : tensor<2x6x4xf32>
    %cst_8 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %42 = stablehlo.reduce(%41 init: %cst_8) applies stablehlo.add across dimensions = [2] : (tensor<2x6x4xf32>, tensor<f32>) -> tensor<2x6xf32>
    %43 = stablehlo.transpose %42, dims = [1, 0] : (tensor<2x6xf32>) -> tensor<6x2xf32>
    %44 = stablehlo.dot_general %arg0, %43, contracting_dims = [3] x [0], precision = [DEFAULT, DEFAULT] : (tensor<5x2x2x6xf32>, tensor<6x2xf32>) -> tensor<5x2x2x2xf32>
    %cst_9 = stablehlo.constant dense<5.190000e-01> : tensor<f32>
    %45 = stablehlo.broadcast_in_dim %cst_9, dims = [] : (tensor<f32>) -> tensor<5x2x2x2xf32>
    %46 = stablehlo.multiply %45, %44 : tensor<5x2x2x2xf32>
    %cst_10 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %47 = stablehlo.reduce(%46 init: %cst_10) applies stablehlo.maximum across dimensions = [3] : (tensor<5x2x2x2xf32>, tensor<f32>) -> tensor<5x2x2xf32>
    %cst_11 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %48 = stablehlo.broadcast_in_dim %cst_11, dims = [] : (tensor<f32>) -> tensor<5x2x2xf32>
    %49 = stablehlo.maximum %48, %47 : tensor<5x2x2xf32>
    %50 = stablehlo.broadcast_in_dim %49, dims = [0, 1, 2] : (tensor<5x2x2xf32>) -> tensor<5x2x2x1xf32>
    %51 = stablehlo.broadcast_in_dim %50, dims = [0, 1, 2, 3] : (tensor<5x2x2x1xf32>) -> tensor<5x2x2x2xf32>
    %52 = stablehlo.subtract %46, %51 : tensor<5x2x2x2xf32>
    %53 = stablehlo.exponential %52 : tensor<5x2x2x2xf32>
    %cst_12 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %54 = stablehlo.reduce(%53 init: %cst_12) applies stablehlo.add across dimensions = [3] : (tensor<5x2x2x2xf32>, tensor<f32>) -> tensor<5x2x2xf32>
    %55 = stablehlo.broadcast_in_dim %54, dims = [0, 1, 2] : (tensor<5x2x2xf32>) -> tensor<5x2x2x1xf32>
    %56 = stablehlo.broadcast_in_dim %55, dims = [0, 1, 2, 3] : (tensor<5x2x2x1xf32>) -> tensor<5x2x2x2xf32>
    %57 = stablehlo.divide %53, %56 : tensor<5x2x2x2xf32>
    %58 = stablehlo.dot_general %57, %42, contracting_dims = [3] x [0], precision = [DEFAULT, DEFAULT] : (tensor<5x2x2x2xf32>, tensor<2x6xf32>) -> tensor<5x2x2x6xf32>
    %cst_13 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %59 = stablehlo.reduce(%58 init: %cst_13) applies stablehlo.maximum across dimensions = [3] : (tensor<5x2x2x6xf32>, tensor<f32>) -> tensor<5x2x2xf32>
    %cst_14 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %60 = stablehlo.broadcast_in_dim %cst_14, dims = [] : (tensor<f32>) -> tensor<5x2x2xf32>
    %61 = stablehlo.maximum %60, %59 : tensor<5x2x2xf32>
    %62 = stablehlo.broadcast_in_dim %61, dims = [0, 1, 2] : (tensor<5x2x2xf32>) -> tensor<5x2x2x1xf32>
    %63 = stablehlo.broadcast_in_dim %62, dims = [0, 1, 2, 3] : (tensor<5x2x2x1xf32>) -> tensor<5x2x2x6xf32>
    %64 = stablehlo.subtract %58, %63 : tensor<5x2x2x6xf32>
    %65 = stablehlo.exponential %64 : tensor<5x2x2x6xf32>
    %cst_15 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %66 = stablehlo.reduce(%65 init: %cst_15) applies stablehlo.add across dimensions = [3] : (tensor<5x2x2x6xf32>, tensor<f32>) -> tensor<5x2x2xf32>
    %67 = stablehlo.broadcast_in_dim %66, dims = [0, 1, 2] : (tensor<5x2x2xf32>) -> tensor<5x2x2x1xf32>
    %68 = stablehlo.broadcast_in_dim %67, dims = [0, 1, 2, 3] : (tensor<5x2x2x1xf32>) -> tensor<5x2x2x6xf32>
    %69 = stablehlo.divide %65, %68 : tensor<5x2x2x6xf32>
    %70 = stablehlo.broadcast_in_dim %58, dims = [0, 1, 2, 4] : (tensor<5x2x2x6xf32>) -> tensor<5x2x2x1x6xf32>
    %71 = stablehlo.broadcast_in_dim %58, dims = [0, 1, 2, 3] : (tensor<5x2x2x6xf32>) -> tensor<5x2x2x6x1xf32>
    %72 = stablehlo.broadcast_in_dim %70, dims = [0, 1, 2, 3, 4] : (tensor<5x2x2x1x6xf32>) -> tensor<5x2x2x6x6xf32>
    %73 = stablehlo.broadcast_in_dim %71, dims = [0, 1, 2, 3, 4] : (tensor<5x2x2x6x1xf32>) -> tensor<5x2x2x6x6xf32>
    %74 = stablehlo.compare GT, %72, %73, FLOAT : (tensor<5x2x2x6x6xf32>, tensor<5x2x2x6x6xf32>) -> tensor<5x2x2x6x6xi1>
    %75 = stablehlo.convert %74 : (tensor<5x2x2x6x6xi1>) -> tensor<5x2x2x6x6xi32>
    %c_16 = stablehlo.constant dense<0> : tensor<i32>
    %76 = stablehlo.reduce(%75 init: %c_16) applies stablehlo.add across dimensions = [4] : (tensor<5x2x2x6x6xi32>, tensor<i32>) -> tensor<5x2x2x6xi32>
    %c_17 = stablehlo.constant dense<3> : tensor<i32>
    %77 = stablehlo.broadcast_in_dim %c_17, dims = [] : (tensor<i32>) -> tensor<5x2x2x6xi32>
    %78 = stablehlo.compare LT, %76, %77, SIGNED : (tensor<5x2x2x6xi32>, tensor<5x2x2x6xi32>) -> tensor<5x2x2x6xi1>
    %c_18 = stablehlo.constant dense<0> : tensor<i32>
    %79 = call @_where(%78, %69, %c_18) : (tensor<5x2x2x6xi1>, tensor<5x2x2x6xf32>, tensor<i32>) -> tensor<5x2x2x6xf32>
    %cst_19 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %80 = stablehlo.reduce(%79 init: %cst_19) applies stablehlo.add across dimensions = [3] : (tensor<5x2x2x6xf32>, tensor<f32>) -> tensor<5x2x2xf32>
    %81 = stablehlo.broadcast_in_dim %80, dims = [0, 1, 2] : (tensor<5x2x2xf32>) -> tensor<5x2x2x1xf32>
    %cst_20 = stablehlo.constant dense<1.000000e-03> : tensor<f32>
    %82 = stablehlo.broadcast_in_dim %cst_20, dims = [] : (tensor<f32>) -> tensor<5x2x2x1xf32>
    %83 = stablehlo.add %81, %82 : tensor<5x2x2x1xf32>
    %84 = stablehlo.broadcast_in_dim %83, dims = [0, 1, 2, 3] : (tensor<5x2x2x1xf32>) -> tensor<5x2x2x6xf32>
    %85 = stablehlo.divide %79, %84 : tensor<5x2x2x6xf32>
    return %85 : tensor<5x2x2x6xf32>
  }
  func.func private @clip(%arg0: tensor<2x6x5x3xf32>, %arg1: tensor<f32>, %arg2: tensor<i32>) -> tensor<2x6x5x3xf32> {
    %0 = stablehlo.convert %arg1 : tensor<f32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [] : (tensor<f32>) -> tensor<2x6x5x3xf32>
    %2 = stablehlo.maximum %1, %arg0 : tensor<2x6x5x3xf32>
    %3 = stablehlo.convert %arg2 : (tensor<i32>) -> tensor<f32>
    %4 = stablehlo.broadcast_in_dim %3, dims = [] : (tensor<f32>) -> tensor<2x6x5x3xf32>
    %5 = stablehlo.minimum %4, %2 : tensor<2x6x5x3xf32>
    return %5 : tensor<2x6x5x3xf32>
  }
  func.func private @diff(%arg0: tensor<5xf32>) -> tensor<4xf32> {
    %0 = stablehlo.slice %arg0 [1:5] : (tensor<5xf32>) -> tensor<4xf32>
    %1 = stablehlo.slice %arg0 [0:4] : (tensor<5xf32>) -> tensor<4xf32>
    %2 = stablehlo.subtract %0, %1 : tensor<4xf32>
    return %2 : tensor<4xf32>
  }
  func.func private @_where(%arg0: tensor<5x2x2x6xi1>, %arg1: tensor<5x2x2x6xf32>, %arg2: tensor<i32>) -> tensor<5x2x2x6xf32> {
    %0 = stablehlo.convert %arg2 : (tensor<i32>) -> tensor<f32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [] : (tensor<f32>) -> tensor<5x2x2x6xf32>
    %2 = stablehlo.select %arg0, %arg1, %1 : tensor<5x2x2x6xi1>, tensor<5x2x2x6xf32>
    return %2 : tensor<5x2x2x6xf32>
  }
}
