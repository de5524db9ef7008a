package dev.affinis.instrument.torchscript;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.affinis.instrument.SiteKind;
import dev.affinis.instrument.SiteType;
import dev.affinis.instrument.torchscript.ScriptOperators.Permutation;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What operators of PyTorch are, by the meaning that its documentation gives their arguments. */
class ScriptOperationTest {
  /** Arguments are separated by blanks; {@code _} is an input that is left out. */
  @ParameterizedTest
  @CsvSource({
    "relu x, Relu x",
    "relu x =0, Relu x",
    "relu x y z, ",
    "sigmoid x, Sigmoid x",
    "sigmoid x y, ",
    "special_expm1 x, Expm1 x",
    "absolute x, Abs x",
    "logical_not x, Not x",
    "sqrt x, Sqrt x",
    "mul x y, Mul x y",
    "mul x, ",
    "mul x y z, ",
    "true_divide x =2, Div x =2",
    "div x y rounding, ",
    "pow x =3, Pow x =3",
    "greater_equal x y, GreaterOrEqual x y",
    "__or__ x y, Or x y",
    "maximum x y, Max x y",
    "where c x y, Where c x y",
    "where c, ",
    "where c x, ",
    "add x y, Add x y",
    "add x y =1, Add x y",
    "add x y =1.0, Add x y",
    "add x y =2, ",
    "add x y z, ",
    "add x, ",
    "add x y =1 z, ",
    "sub x y =1, Sub x y",
    "subtract x y, Sub x y",
    "sub x y =2, ",
    "rsub x y, Sub y x",
    "rsub x y =1, Sub y x",
    "rsub x y =2, ",
    "square x, Pow x =2",
    "relu6 x, Clip x =0 =6",
    "hardtanh x, Clip x =-1 =1",
    "hardtanh x =0 =6, Clip x =0 =6",
    "hardtanh x low high, Clip x low high",
    "clamp x =0, Clip x =0 _",
    "clamp x =0 =1, Clip x =0 =1",
    "clamp x _ =1, Clip x _ =1",
    "clip x =0 =1, Clip x =0 =1",
    "clamp x =0 =1 out, ",
    "clamp_min x =0, Clip x =0 _",
    "clamp_max x =1, Clip x _ =1",
    "softplus x, Softplus x",
    "softplus x =1, Softplus x",
    "softplus x =1 =20, Softplus x",
    "softplus x =1 =2, ",
    "softplus x =2 =20, ",
    "softplus x beta, ",
    "softplus x =1 threshold, ",
    "max x y, Max x y",
    "min x y, Min x y",
    "max x =1, ",
    "max x, ",
    "max x y z, ",
    "to x =5, Cast x",
    "to x =6 =0, Cast x",
    "to x =7, Cast x",
    "to x =15, Cast x",
    "to x =4, ",
    "to x device, ",
    "to x, ",
    "chunk x =2 =1, Split x",
    "split x =4, Split x",
    "tensor_split x =2, Split x",
    "conv2d x w, "
  })
  void operatorsAreThoseOfTheStandard(String call, String expected) {
    List<String> words = words(call);
    List<String> arguments = words.subList(1, words.size());
    ScriptOperation operation = ScriptOperation.of(words.get(0), arguments);
    if (expected == null) {
      assertEquals("", operation.name());
      assertEquals(arguments, operation.inputs());
    } else {
      List<String> standard = words(expected);
      assertEquals(standard.get(0), operation.name());
      assertEquals(standard.subList(1, standard.size()), operation.inputs());
    }
    assertTrue(operation.attributes().isEmpty());
  }

  private static List<String> words(String text) {
    return List.of(text.split(" ", -1)).stream().map(w -> w.equals("_") ? "" : w).toList();
  }

  @Test
  void theHardSigmoidOfPyTorchHasASlopeOfASixth() {
    ScriptOperation operation = ScriptOperation.of("hardsigmoid", List.of("x"));
    assertEquals("HardSigmoid", operation.name());
    assertEquals(List.of("x"), operation.inputs());
    assertEquals(1.0 / 6, operation.attributes().get("alpha"));
  }

  @Test
  void withoutArgumentsNothingIsKnown() {
    assertEquals("", ScriptOperation.of("relu", List.of()).name());
    assertEquals("", ScriptOperation.of("hardtanh", List.of()).name());
  }

  @ParameterizedTest
  @CsvSource({
    "relu, RELU",
    "relu_, RELU",
    "gelu, GELU",
    "special_expit, SIGMOID",
    "rrelu_with_noise_, RRELU",
    "softsign, ",
    "tanhshrink, ",
    "glu, GLU",
    "softmax, SOFTMAX",
    "_softmax, SOFTMAX",
    "special_softmax, SOFTMAX",
    "max_pool1d, MAX_POOL",
    "max_pool3d, MAX_POOL",
    "max_pool4d, ",
    "max_pool0d, ",
    "adaptive_max_pool2d, MAX_POOL",
    "max_pool2d_with_indices, MAX_POOL",
    "avg_pool3d, AVERAGE_POOL",
    "adaptive_avg_pool1d, AVERAGE_POOL",
    "batch_norm, BATCH_NORM",
    "layer_norm, LAYER_NORM",
    "rms_norm, RMS_NORM",
    "group_norm, GROUP_NORM",
    "instance_norm, INSTANCE_NORM",
    "swiglu, ",
    "module, ",
    "neg, "
  })
  void operatorsThatAreSites(String operator, SiteKind kind) {
    assertEquals(kind, ScriptOperators.kind(operator));
    boolean isActivation = kind != null && kind.type() == SiteType.ACTIVATION;
    assertEquals(isActivation ? kind : null, ScriptOperators.activation(operator));
  }

  @Test
  void poolingWithIndicesReturnsPairs() {
    assertTrue(ScriptOperators.returnsPair("max_pool2d_with_indices"));
    assertTrue(ScriptOperators.returnsPair("adaptive_max_pool3d"));
    assertFalse(ScriptOperators.returnsPair("max_pool2d"));
  }

  @ParameterizedTest
  @CsvSource({
    "_add_relu_, ACTIVATION",
    "cudnn_convolution_add_relu, ACTIVATION",
    "lstm, ACTIVATION",
    "rnn_tanh_cell, ACTIVATION",
    "ops.quantized.conv2d_relu, ACTIVATION",
    "mkldnn_max_pool2d, POOLING",
    "fractional_max_pool2d, POOLING",
    "native_layer_norm, NORMALISATION",
    "_native_batch_norm_legit_no_training, NORMALISATION",
    "ops.quantized.layer_norm, NORMALISATION",
    "scaled_dot_product_attention, ATTENTION",
    "_native_multi_head_attention, ATTENTION"
  })
  void operatorsThatHideSites(String operator, SiteType type) {
    for (SiteType other : SiteType.values()) {
      assertEquals(other == type, ScriptOperators.hides(operator, other), other.toString());
    }
    assertFalse(ScriptOperators.hides("x" + operator + "x", type));
  }

  @Test
  void layoutsFollowFromTheProducer() {
    assertTrue(ScriptOperators.producesChannelsFirst("_convolution"));
    assertFalse(ScriptOperators.producesChannelsLast("_convolution"));
    assertTrue(ScriptOperators.producesChannelsLast("linear"));
    assertFalse(ScriptOperators.producesChannelsFirst("linear"));
    assertEquals(Permutation.TO_CHANNELS_FIRST, ScriptOperators.permutation("0,3,1,2"));
    assertEquals(Permutation.TO_CHANNELS_LAST, ScriptOperators.permutation("0,2,3,4,1"));
    assertEquals(Permutation.SWAP, ScriptOperators.permutation("0,2,1"));
    assertNull(ScriptOperators.permutation("1,0"));
  }
}
