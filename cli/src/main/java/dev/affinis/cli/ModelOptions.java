package dev.affinis.cli;

import ai.djl.Device;
import dev.affinis.instrument.ModelSource;
import dev.affinis.instrument.SiteFilter;
import dev.affinis.instrument.SiteKind;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Which model a command looks into, which of its sites, and where it runs. */
final class ModelOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      description = {
        "A TorchScript file (.pt), an ONNX file (.onnx), a folder with one, or a DJL address",
        "(djl://group/artifact)."
      })
  private String model;

  @Option(
      names = "--device",
      paramLabel = "D",
      defaultValue = "cpu",
      converter = Words.DeviceWord.class,
      description = "cpu or gpu:N (default: ${DEFAULT-VALUE}).")
  private Device device;

  @Option(
      names = "--sites",
      paramLabel = "SITES",
      split = ",(?![^{]*\\})", // not the commas of {a,b}
      splitSynopsisLabel = ",",
      description = {
        "What is measured, any of: activations (the default), pooling, normalisation, gates (SwiGLU",
        "and others written as products), attention (its softmax), and module:GLOB for whole",
        "modules by path, such as module:layer1.*; and globs of paths that all of these are narrowed",
        "down to, such as features.* or layer?.** (* within a name, ** across)."
      })
  private List<String> sites = List.of();

  @Option(
      names = "--kinds",
      paramLabel = "KIND",
      split = ",",
      converter = Words.KindWord.class,
      description = "Only these kinds of site, such as relu,gelu or batch_norm.")
  private List<SiteKind> kinds = List.of();

  ModelSource<?, ?> open() throws IOException {
    return ModelSource.open(model, device);
  }

  Device device() {
    return device;
  }

  /** The sites that are meant; a glob that is none is wrong use. */
  SiteFilter sites() {
    try {
      return SiteFilter.of(sites).kinds(kinds.toArray(SiteKind[]::new));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--sites: " + e.getMessage(), e);
    }
  }
}
