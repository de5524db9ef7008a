package dev.affinis.instrument.block;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.MaskedTokens;
import dev.affinis.signature.TokenPolicy;
import java.io.IOException;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Blocks that take a mask. */
class MaskedBlockTest {
  /** The model of {@link MaskedTokens}. */
  private static final class Masked extends TestBlocks.Custom {
    private final UnaryOperator<NDArray> relu = Activation::relu;
    private final UnaryOperator<NDArray> sigmoid = Activation::sigmoid;
    private final UnaryOperator<NDArray> tanh = Activation::tanh;

    @Override
    protected NDList forwardInternal(
        ParameterStore store, NDList inputs, boolean training, PairList<String, Object> params) {
      NDArray y = relu.apply(inputs.head().mul(2).sub(0.5));
      NDArray z = sigmoid.apply(y.get(":, 1:"));
      NDArray weights = inputs.get(1).toType(DataType.FLOAT32, true).expandDims(2);
      return new NDList(tanh.apply(y.mul(weights).sum(new int[] {1})), z);
    }

    @Override
    NDArray forward(ParameterStore store, NDArray x) {
      throw new UnsupportedOperationException("takes two arrays");
    }
  }

  private static InstrumentedModel<?, ?> open(Model model, TokenPolicy tokens) throws IOException {
    return InstrumentedModel.builder().setModel(model).optTokens(tokens).optCounts(1e-3).build();
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "INT64", "BOOLEAN"})
  void rowsAreOfTokensAlone(DataType type) throws IOException {
    try (Model model = TestBlocks.model(new Masked(), new Shape(1, 5, 3), new Shape(1, 5))) {
      MaskedTokens.check(tokens -> open(model, tokens), type);
    }
  }

  @Test
  void aModelOfOneInputHasNoMask() {
    SequentialBlock block =
        new SequentialBlock().add(TestBlocks.linear(3)).add(Activation.reluBlock());
    try (Model model = TestBlocks.model(block, new Shape(1, 5, 3))) {
      MaskedTokens.checkSingleInput(tokens -> open(model, tokens));
    }
  }
}
