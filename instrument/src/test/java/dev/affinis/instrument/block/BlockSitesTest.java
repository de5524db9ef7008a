package dev.affinis.instrument.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.ParameterStore;
import dev.affinis.instrument.Capture;
import dev.affinis.instrument.InstrumentedModel;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SkippedSite;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** DJL's blocks that are sites as a whole. */
class BlockSitesTest {
  private static final Shape TWO = new Shape(2, 2);

  static Stream<Arguments> lambdas() {
    return Stream.of(
        Arguments.of(Pool.maxPool2dBlock(TWO), "max_pool"),
        Arguments.of(Pool.avgPool2dBlock(TWO, TWO, new Shape(1, 1)), "average_pool"),
        Arguments.of(Pool.avgPool1dBlock(new Shape(2)), "average_pool"),
        Arguments.of(Pool.globalAvgPool2dBlock(), "average_pool"),
        Arguments.of(Pool.globalMaxPool2dBlock(), "max_pool"),
        Arguments.of(LambdaBlock.singleton(x -> Pool.maxPool2d(x, TWO, TWO, TWO, true)), ""),
        Arguments.of(LambdaBlock.singleton(x -> x.mean(new int[] {3})), ""),
        Arguments.of(LambdaBlock.singleton(x -> x.get(":,:,::2,::2")), ""),
        Arguments.of(LambdaBlock.singleton(x -> x.mul(0.5)), ""),
        Arguments.of(LambdaBlock.singleton(x -> x.min(new int[] {3})), ""),
        Arguments.of(Activation.reluBlock(), ""),
        Arguments.of(Blocks.batchFlattenBlock(), ""),
        Arguments.of(Blocks.identityBlock(), ""));
  }

  @ParameterizedTest
  @MethodSource("lambdas")
  void poolsAreToldByWhatTheyDo(Block lambda, String kind) {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      assertEquals(
          Optional.of(kind).filter(word -> !word.isEmpty()),
          new PoolProbe(manager).identify((LambdaBlock) lambda).map(found -> found.word()));
    }
  }

  private static InstrumentedModel<?, ?> instrumented(Model model, String... sites)
      throws IOException {
    return InstrumentedModel.builder()
        .setModel(model)
        .optSites(SiteFilter.of(List.of(sites)))
        .build();
  }

  @Test
  void blocksAreSeenWhileInstrumentedAndAsTheyWereAfterwards() throws IOException {
    SequentialBlock inner =
        new SequentialBlock().add(TestBlocks.conv(3)).add(BatchNorm.builder().build());
    SequentialBlock block =
        new SequentialBlock().add(inner).add(Activation.reluBlock()).add(Pool.maxPool2dBlock(TWO));
    try (Model model = TestBlocks.model(block, new Shape(1, 2, 8, 8));
        NDManager manager = model.getNDManager().newSubManager()) {
      NDArray x = manager.randomNormal(new Shape(4, 2, 8, 8));
      List<Block> before = List.copyOf(block.getChildren().values());
      NDArray plain =
          block.forward(new ParameterStore(manager, false), new NDList(x), false).head();
      try (InstrumentedModel<?, ?> tapped =
          instrumented(
              model, "pooling", "normalisation", "activations", "module:SequentialBlock")) {
        InstrumentedModel.Run run = tapped.run(new NDList(x));
        List<Capture> found = run.captures();
        assertEquals(
            List.of("batch_norm", "module", "relu", "max_pool"),
            found.stream().map(c -> c.site().kind().word()).toList());
        assertArrayEquals(plain.toFloatArray(), run.outputs().head().toFloatArray());
        assertEquals(new Shape(4, 2), found.get(1).pre().getShape());
        assertEquals(new Shape(4, 3), found.get(1).post().getShape());
        assertArrayEquals(found.get(0).post().toFloatArray(), found.get(1).post().toFloatArray());
        assertArrayEquals(found.get(1).post().toFloatArray(), found.get(2).pre().toFloatArray());
        assertArrayEquals(found.get(2).post().toFloatArray(), found.get(3).pre().toFloatArray());
      }
      for (int i = 0; i < before.size(); i++) {
        assertSame(before.get(i), block.getChildren().valueAt(i));
      }
    }
  }

  /** Its field takes a Linear, and nothing else. */
  private static final class Narrow extends TestBlocks.Custom {
    private final Linear linear;

    Narrow() {
      linear = addChildBlock("linear", TestBlocks.linear(6));
    }

    @Override
    NDArray forward(ParameterStore store, NDArray x) {
      return run(linear, store, x);
    }
  }

  @Test
  void blockInANarrowFieldIsReported() throws IOException {
    SequentialBlock block = new SequentialBlock().add(new Narrow()).add(Activation.reluBlock());
    try (Model model = TestBlocks.model(block, new Shape(1, 6));
        InstrumentedModel<?, ?> tapped = instrumented(model, "activations", "module:**")) {
      SkippedSite hidden = tapped.hiddenSites().get(0);
      assertEquals("Narrow.linear", hidden.path());
      assertTrue(hidden.reason().contains("holds it as ai.djl.nn.core.Linear"), hidden.reason());
    }
  }

  @Test
  void gatesAreReported() throws IOException {
    SequentialBlock block =
        new SequentialBlock().add(TestBlocks.linear(3)).add(Activation.reluBlock());
    try (Model model = TestBlocks.model(block, new Shape(1, 4));
        InstrumentedModel<?, ?> tapped = instrumented(model, "activations", "gates")) {
      assertEquals(
          List.of("gate"), tapped.hiddenSites().stream().map(SkippedSite::activation).toList());
      assertEquals(1, tapped.plannedSites().size());
    }
  }
}
