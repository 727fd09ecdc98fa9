module @jit_discounted_sums_of_dynamic_trip_count attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<5xi1>, %arg1: tensor<5x6x3xf32>, %arg2: tensor<i32>, %arg3: tensor<8xi16>) -> (tensor<5x6x3xf32> {jax.result_info = "result"}) {
    %c = stablehlo.constant dense<3> : tensor<i32>
    %0 = call @remainder(%arg2, %c) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %c_1 = stablehlo.constant dense<2> : tensor<i32>
    %1 = stablehlo.clamp %c_0, %0, %c_1 : tensor<i32>
    %2 = "stablehlo.case"(%1) ({
      %c_7 = stablehlo.constant dense<32767> : tensor<i16>
      %9 = stablehlo.reduce(%arg3 init: %c_7) applies stablehlo.minimum across dimensions = [0] : (tensor<8xi16>, tensor<i16>) -> tensor<i16>
      stablehlo.return %9 : tensor<i16>
    }, {
      %c_7 = stablehlo.constant dense<-32768> : tensor<i16>
      %9 = stablehlo.reduce(%arg3 init: %c_7) applies stablehlo.maximum across dimensions = [0] : (tensor<8xi16>, tensor<i16>) -> tensor<i16>
      stablehlo.return %9 : tensor<i16>
    }, {
      %9 = stablehlo.slice %arg3 [0:1] : (tensor<8xi16>) -> tensor<1xi16>
      %10 = stablehlo.reshape %9 : (tensor<1xi16>) -> tensor<i16>
      stablehlo.return %10 : tensor<i16>
    }) : (tensor<i32>) -> tensor<i16>
    %c_2 = stablehlo.constant dense<1> : tensor<i32>
    %c_3 = stablehlo.constant dense<6> : tensor<i32>
    %3 = call @clip(%2, %c_2, %c_3) : (tensor<i16>, tensor<i32>, tensor<i32>) -> tensor<i16>
    %4 = stablehlo.convert %3 : (tensor<i16>) -> tensor<i32>
    %c_4 = stablehlo.constant dense<0> : tensor<i32>
    %5:3 = stablehlo.while(%iterArg = %c_4, %iterArg_7 = %4, %iterArg_8 = %arg1) : tensor<i32>, tensor<i32>, tensor<5x6x3xf32>
    cond {
      %9 = stablehlo.compare LT, %iterArg, %iterArg_7, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %9 : tensor<i1>
    } do {
      %c_9 = stablehlo.constant dense<1> : tensor<i32>
      %9 = stablehlo.add %iterArg, %c_9 : tensor<i32>
      %10 = stablehlo.abs %iterArg_8 : tensor<5x6x3xf32>
      %11 = stablehlo.negate %10 : tensor<5x6x3xf32>
      %12 = stablehlo.exponential %11 : tensor<5x6x3xf32>
      %cst_10 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
      %13 = stablehlo.broadcast_in_dim %cst_10, dims = [] : (tensor<f32>) -> tensor<5x6x3xf32>
      %14 = stablehlo.add %13, %12 : tensor<5x6x3xf32>
      %15 = chlo.square %14 : tensor<5x6x3xf32> -> tensor<5x6x3xf32>
      %16 = stablehlo.divide %12, %15 : tensor<5x6x3xf32>
      %c_11 = stablehlo.constant dense<-1> : tensor<i32>
      %c_12 = stablehlo.constant dense<1> : tensor<i32>
      %17 = func.call @clip_0(%16, %c_11, %c_12) : (tensor<5x6x3xf32>, tensor<i32>, tensor<i32>) -> tensor<5x6x3xf32>
      stablehlo.return %9, %iterArg_7, %17 : tensor<i32>, tensor<i32>, tensor<5x6x3xf32>
    }
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %6 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<6x3xf32>
    %cst_5 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %7 = stablehlo.broadcast_in_dim %cst_5, dims = [] : (tensor<f32>) -> tensor<5x6x3xf32>
    %c_6 = stablehlo.constant dense<0> : tensor<i32>
    %8:5 = stablehlo.while(%iterArg = %5#2, %iterArg_7 = %arg0, %iterArg_8 = %c_6, %iterArg_9 = %6, %iterArg_10 = %7) : tensor<5x6x3xf32>, tensor<5xi1>, tensor<i32>, tensor<6x3xf32>, tensor<5x6x3xf32>
    cond {
      %c_11 = stablehlo.constant dense<5> : tensor<i32>
      %9 = stablehlo.compare LT, %iterArg_8, %c_11, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %9 : tensor<i1>
    } do {
      %c_11 = stablehlo.constant dense<5> : tensor<i32>
      %9 = stablehlo.subtract %c_11, %iterArg_8 : tensor<i32>
      %c_12 = stablehlo.constant dense<1> : tensor<i32>
      %10 = stablehlo.subtract %9, %c_12 : tensor<i32>
      %11 = func.call @dynamic_index_in_dim(%iterArg, %10) : (tensor<5x6x3xf32>, tensor<i32>) -> tensor<6x3xf32>
      %12 = func.call @dynamic_index_in_dim_1(%iterArg_7, %10) : (tensor<5xi1>, tensor<i32>) -> tensor<i1>
      %13:2 = func.call @closed_call(%iterArg_9, %11, %12) : (tensor<6x3xf32>, tensor<6x3xf32>, tensor<i1>) -> (tensor<6x3xf32>, tensor<6x3xf32>)
      %14 = func.call @dynamic_update_index_in_dim(%iterArg_10, %13#1, %10) : (tensor<5x6x3xf32>, tensor<6x3xf32>, tensor<i32>) -> tensor<5x6x3xf32>
      %c_13 = stablehlo.constant dense<1> : tensor<i32>
      %15 = stablehlo.add %iterArg_8, %c_13 : tensor<i32>
      stablehlo.return %iterArg, %iterArg_7, %15, %13#0, %14 : tensor<5x6x3xf32>, tensor<5xi1>, tensor<i32>, tensor<6x3xf32>, tensor<5x6x3xf32>
    }
    return %8#4 : tensor<5x6x3xf32>
  }
  func.func private @remainder(%arg0: tensor<i32>, %arg1: tensor<i32>) -> tensor<i32> {
    %0 = stablehlo.convert %arg1 : tensor<i32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.compare EQ, %0, %c, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %c_0 = stablehlo.constant dense<1> : tensor<i32>
    %2 = call @_where(%1, %c_0, %0) : (tensor<i1>, tensor<i32>, tensor<i32>) -> tensor<i32>
    %3 = stablehlo.remainder %arg0, %2 : tensor<i32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %4 = stablehlo.compare NE, %3, %c_1, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %c_2 = stablehlo.constant dense<0> : tensor<i32>
    %5 = stablehlo.compare LT, %3, %c_2, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %c_3 = stablehlo.constant dense<0> : tensor<i32>
    %6 = stablehlo.compare LT, %2, %c_3, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %7 = stablehlo.compare NE, %5, %6, UNSIGNED : (tensor<i1>, tensor<i1>) -> tensor<i1>
    %8 = stablehlo.and %7, %4 : tensor<i1>
    %9 = stablehlo.add %3, %2 : tensor<i32>
    %10 = stablehlo.select %8, %9, %3 : tensor<i1>, tensor<i32>
    return %10 : tensor<i32>
  }
  func.func private @_where(%arg0: tensor<i1>, %arg1: tensor<i32>, %arg2: tensor<i32>) -> tensor<i32> {
    %0 = stablehlo.select %arg0, %arg1, %arg2 : tensor<i1>, tensor<i32>
    return %0 : tensor<i32>
  }
  func.func private @clip(%arg0: tensor<i16>, %arg1: tensor<i32>, %arg2: tensor<i32>) -> tensor<i16> {
    %0 = stablehlo.convert %arg1 : (tensor<i32>) -> tensor<i16>
    %1 = stablehlo.maximum %0, %arg0 : tensor<i16>
    %2 = stablehlo.convert %arg2 : (tensor<i32>) -> tensor<i16>
    %3 = stablehlo.minimum %2, %1 : tensor<i16>
    return %3 : tensor<i16>
  }
  func.func private @clip_0(%arg0: tensor<5x6x3xf32>, %arg1: tensor<i32>, %arg2: tensor<i32>) -> tensor<5x6x3xf32> {
    %0 = stablehlo.convert %arg1 : (tensor<i32>) -> tensor<f32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [] : (tensor<f32>) -> tensor<5x6x3xf32>
    %2 = stablehlo.maximum %1, %arg0 : tensor<5x6x3xf32>
    %3 = stablehlo.convert %arg2 : (tensor<i32>) -> tensor<f32>
    %4 = stablehlo.broadcast_in_dim %3, dims = [] : (tensor<f32>) -> tensor<5x6x3xf32>
    %5 = stablehlo.minimum %4, %2 : tensor<5x6x3xf32>
    return %5 : tensor<5x6x3xf32>
  }
  func.func private @dynamic_index_in_dim(%arg0: tensor<5x6x3xf32>, %arg1: tensor<i32>) -> tensor<6x3xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.dynamic_slice %arg0, %arg1, %c, %c_0, sizes = [1, 6, 3] : (tensor<5x6x3xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x6x3xf32>
    %1 = stablehlo.reshape %0 : (tensor<1x6x3xf32>) -> tensor<6x3xf32>
    return %1 : tensor<6x3xf32>
  }
  func.func private @dynamic_index_in_dim_1(%arg0: tensor<5xi1>, %arg1: tensor<i32>) -> tensor<i1> {
    %0 = stablehlo.dynamic_slice %arg0, %arg1, sizes = [1] : (tensor<5xi1>, tensor<i32>) -> tensor<1xi1>
    %1 = stablehlo.reshape %0 : (tensor<1xi1>) -> tensor<i1>
    return %1 : tensor<i1>
  }
  func.func private @closed_call(%arg0: tensor<6x3xf32>, %arg1: tensor<6x3xf32>, %arg2: tensor<i1>) -> (tensor<6x3xf32>, tensor<6x3xf32>) {
    %cst = stablehlo.constant dense<5.790000e-01> : tensor<f32>
    %0 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<6x3xf32>
    %1 = stablehlo.multiply %0, %arg0 : tensor<6x3xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %2 = call @_where_2(%arg2, %c, %1) : (tensor<i1>, tensor<i32>, tensor<6x3xf32>) -> tensor<6x3xf32>
    %3 = stablehlo.add %arg1, %2 : tensor<6x3xf32>
    return %3, %3 : tensor<6x3xf32>, tensor<6x3xf32>
  }
  func.func private @_where_2(%arg0: tensor<i1>, %arg1: tensor<i32>, %arg2: tensor<6x3xf32>) -> tensor<6x3xf32> {
    %0 = stablehlo.convert %arg1 : (tensor<i32>) -> tensor<f32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [] : (tensor<f32>) -> tensor<6x3xf32>
    %2 = stablehlo.select %arg0, %1, %arg2 : tensor<i1>, tensor<6x3xf32>
    return %2 : tensor<6x3xf32>
  }
  func.func private @dynamic_update_index_in_dim(%arg0: tensor<5x6x3xf32>, %arg1: tensor<6x3xf32>, %arg2: tensor<i32>) -> tensor<5x6x3xf32> {
    %0 = stablehlo.broadcast_in_dim %arg1, dims = [1, 2] : (tensor<6x3xf32>) -> tensor<1x6x3xf32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.dynamic_update_slice %arg0, %0, %arg2, %c, %c_0 : (tensor<5x6x3xf32>, tensor<1x6x3xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<5x6x3xf32>
    return %1 : tensor<5x6x3xf32>
  }
}
