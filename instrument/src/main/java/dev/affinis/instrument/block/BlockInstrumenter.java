package dev.affinis.instrument.block;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import dev.affinis.instrument.Instrumenter;
import dev.affinis.instrument.InvalidInputException;
import dev.affinis.instrument.PlainModel;
import dev.affinis.instrument.PlannedSite;
import dev.affinis.instrument.Sha256;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SkippedSite;
import dev.affinis.instrument.TapOptions;
import dev.affinis.instrument.TappedModel;
import dev.affinis.signature.Signature.ModelRuntime;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.List;

/**
 * Instruments a model made of DJL's own blocks, such as those of {@code ai.djl.basicmodelzoo}.
 *
 * <p>Every function that a block of the tree holds in a field is called a few times to see what it
 * computes, on the device that the parameters are on. The model itself is not copied: while a
 * {@link TappedModel} is open, taps stand in the places of its functions, which only hand through
 * what others run. The model stays the caller's to close.
 */
public final class BlockInstrumenter implements Instrumenter {
  private final Model model;
  private final BlockPlan plan;

  /**
   * Looks at a model's block.
   *
   * @param model a model whose block has its parameters
   * @throws InvalidInputException if it has no block, is not initialised, or is instrumented at the
   *     time
   */
  public BlockInstrumenter(Model model) {
    this.model = model;
    Block block = model.getBlock();
    if (block == null) {
      throw new InvalidInputException(
          "model " + model.getName() + " has no block: call setBlock, then load its parameters");
    }
    for (Parameter parameter : block.getParameters().values()) {
      if (!parameter.isInitialized()) {
        throw new InvalidInputException(
            "model "
                + model.getName()
                + " has no value for parameter "
                + parameter.getName()
                + ": load its parameters, or call its block's initialize with the input's shape");
      }
    }
    try (NDManager manager = model.getNDManager().newSubManager()) {
      plan = new BlockPlan(new BlockTree(block), manager);
    }
  }

  @Override
  public ModelRuntime runtime() {
    return ModelRuntime.DJL;
  }

  /** None: a block's inputs go by the names of the arrays that it is called with. */
  @Override
  public List<String> inputNames() {
    return List.of();
  }

  @Override
  public List<PlannedSite> sites(SiteFilter filter) {
    return plan.sites(filter);
  }

  @Override
  public List<SkippedSite> hiddenSites(SiteFilter filter) {
    return plan.hidden(filter);
  }

  @Override
  public NDList runPlain(NDList inputs) {
    ParameterStore parameters = new ParameterStore(model.getNDManager(), false);
    return model.getBlock().forward(parameters, inputs, false);
  }

  @Override
  public PlainModel loadPlain(Device device) {
    return new PlainModel() {
      @Override
      public NDList run(NDList inputs) {
        return runPlain(inputs);
      }

      @Override
      public void close() {
        // The model was there before.
      }
    };
  }

  /**
   * Puts taps into the model's functions. Must not run while the model does.
   *
   * @param device where the model is
   * @param options what is captured
   * @return the model with taps; closing it takes them out again and leaves the model open
   * @throws InvalidInputException if the model is on another device, or instrumented already
   */
  @Override
  public TappedModel load(Device device, TapOptions options) {
    Device own = model.getNDManager().getDevice();
    if (!own.equals(device)) {
      throw new InvalidInputException(
          "model "
              + model.getName()
              + " is on "
              + own
              + ", but was asked to run on "
              + device
              + ": load or initialise it there");
    }
    return new TappedBlock(model, plan, options);
  }

  /**
   * Computes the checksum of the parameters.
   *
   * @return SHA-256 in lower-case hexadecimal of what {@link Block#saveParameters} writes
   * @throws IOException if a parameter cannot be written
   */
  public String sha256() throws IOException {
    return Sha256.of(out -> model.getBlock().saveParameters(new DataOutputStream(out)));
  }
}
