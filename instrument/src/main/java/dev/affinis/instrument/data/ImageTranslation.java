package dev.affinis.instrument.data;

import ai.djl.Model;
import ai.djl.inference.Predictor.PredictorContext;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.translator.BaseImageTranslator;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import dev.affinis.instrument.InvalidInputException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The way in which a model's own translator makes inputs of images. What comes out is exactly what
 * a predictor with this translator feeds the model when it is given one image.
 *
 * <p>Translators need not be thread-safe, so threads take turns.
 */
public final class ImageTranslation implements ImageConversion {
  /** A translator as far as it is needed here. */
  private interface Inputs {
    NDList of(TranslatorContext context, Image image) throws Exception;
  }

  private static final String PIPELINE = "pipeline";

  private final Translator<?, ?> translator;
  private final Inputs inputs;
  private final Model model;

  private ImageTranslation(Translator<?, ?> translator, Inputs inputs, Model model) {
    this.translator = translator;
    this.inputs = inputs;
    this.model = Objects.requireNonNull(model, "model");
  }

  /**
   * Takes a translator.
   *
   * @param translator what makes inputs of images
   * @param model the model it belongs to, which translators ask for artifacts such as a synset; it
   *     may be closed by the time images are read
   * @return the conversion
   */
  public static ImageTranslation of(Translator<Image, ?> translator, Model model) {
    return of(Image.class, translator, model).orElseThrow();
  }

  /**
   * Takes a translator if it is one for images.
   *
   * @param inputClass what the translator takes
   * @param translator what makes inputs of it
   * @param model the model it belongs to, as above
   * @param <I> what the translator takes
   * @return the conversion; nothing if the translator does not take images
   */
  public static <I> Optional<ImageTranslation> of(
      Class<I> inputClass, Translator<I, ?> translator, Model model) {
    Objects.requireNonNull(translator, "translator");
    if (!inputClass.equals(Image.class)) {
      return Optional.empty();
    }
    // As a predictor: with a batchifier there comes a batch of one, without it what goes in.
    Inputs inputs =
        (context, image) ->
            translator.getBatchifier() == null
                ? translator.processInput(context, inputClass.cast(image))
                : translator.batchProcessInput(context, List.of(inputClass.cast(image)));
    return Optional.of(new ImageTranslation(translator, inputs, model));
  }

  /** Calls the translator's own preparation, as each predictor does once. */
  void prepare(NDManager manager) {
    synchronized (translator) {
      try (TranslatorContext context = new PredictorContext(model, manager, null)) {
        translator.prepare(context);
      } catch (Exception e) {
        // The signature of prepare leaves no other choice.
        throw new InvalidInputException(
            "translator "
                + name()
                + " cannot be prepared: "
                + DjlDatasetSource.reason(e)
                + "; pass --input-size, or --resize and --crop, to do without it",
            e);
      }
    }
  }

  /** What is done with an input while it exists. */
  interface Use<T> {
    T apply(NDArray input);
  }

  /**
   * Makes a model's input of an image.
   *
   * @param image the image
   * @param manager parent of what the translator makes
   * @param use takes the input, C x H x W float32, which is freed behind it
   * @throws InvalidInputException if the translator fails or makes anything else
   */
  <T> T convert(Image image, NDManager manager, Use<T> use) {
    synchronized (translator) {
      try (TranslatorContext context = new PredictorContext(model, manager, null)) {
        return use.apply(single(inputs.of(context, image)));
      } catch (InvalidInputException e) {
        throw e;
      } catch (Exception e) {
        // The signature of processInput leaves no other choice.
        throw new InvalidInputException(
            "translator " + name() + " fails: " + DjlDatasetSource.reason(e), e);
      }
    }
  }

  private NDArray single(NDList arrays) {
    if (arrays.size() != 1) {
      throw unusable(arrays.size() + " arrays");
    }
    NDArray batch = arrays.head();
    if (batch.getShape().dimension() != 4
        || batch.getShape().get(0) != 1
        || batch.getDataType() != DataType.FLOAT32) {
      throw unusable("a batch of " + batch.getShape() + " " + batch.getDataType());
    }
    return batch.squeeze(0);
  }

  private InvalidInputException unusable(String found) {
    return new InvalidInputException(
        "translator "
            + name()
            + " makes "
            + found
            + " of an image, expected 1 x C x H x W of float32; pass --input-size, or --resize and"
            + " --crop, to do without it");
  }

  private String name() {
    return translator.getClass().getName();
  }

  /** What is done to an image, for the signature file. */
  Map<String, Object> describe() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("input", "images, through the translator that came with the model");
    map.put("translator", name());
    TransformText.pipelineOf(translator, BaseImageTranslator.class)
        .ifPresent(pipeline -> map.put(PIPELINE, pipeline));
    return map;
  }

  /** Whether {@link #describe} says all that is done. */
  boolean isDescribed() {
    return describe().containsKey(PIPELINE);
  }
}
