package dev.affinis.instrument;

import com.fasterxml.jackson.databind.JsonNode;
import dev.affinis.instrument.data.BatchLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * The batches that the first pass over the data met. Further passes must meet the same: rows of
 * different samples cannot be scores of one signature.
 */
final class SampleLog {
  private final List<Seen> batches = new ArrayList<>();
  private boolean isFirst = true;
  private int next;

  /**
   * Which samples a batch has, and a checksum of their values.
   *
   * @param indices numbers of the samples
   * @param checksum CRC-32C of the values
   */
  record Seen(List<Integer> indices, long checksum) {
    /** Looks at an open batch, which is not modified. */
    static Seen of(BatchLoader.Batch batch) {
      CRC32C checksum = new CRC32C();
      checksum.update(batch.data().toByteBuffer());
      return new Seen(Arrays.stream(batch.indices()).boxed().toList(), checksum.getValue());
    }

    /** What {@link #toTree} gave. */
    static Seen of(JsonNode tree) {
      return new Seen(CapturedBatch.integers(tree.path("indices")), tree.path("checksum").asLong());
    }

    JsonNode toTree() {
      return StateFile.JSON.valueToTree(this);
    }
  }

  /** Begins with the first pass. */
  SampleLog() {}

  /** Begins behind the first pass, which another run made. */
  SampleLog(List<Seen> first) {
    batches.addAll(first);
    isFirst = false;
  }

  /** What the first pass met. */
  List<Seen> batches() {
    return List.copyOf(batches);
  }

  /**
   * Notes a batch of the first pass, compares one of the others.
   *
   * @param seen the batch
   * @throws InvalidInputException if it is not what the first pass met
   */
  void add(Seen seen) {
    if (isFirst) {
      batches.add(seen);
    } else if (next == batches.size() || !batches.get(next).equals(seen)) {
      throw changed("batch " + (next + 1));
    }
    next++;
  }

  /**
   * Ends a pass.
   *
   * @throws InvalidInputException if it had fewer batches than the first
   */
  void endPass() {
    if (next < batches.size()) {
      throw changed("there are only " + next + " of " + batches.size() + " batches, and the next");
    }
    isFirst = false;
    next = 0;
  }

  private static InvalidInputException changed(String what) {
    return new InvalidInputException(
        "the data differ between two passes over them: "
            + what
            + " is not what it was in the first pass; leave the data alone while they are measured,"
            + " and if they are drawn at random each time they are read, pass a larger --memory so"
            + " that one pass is enough");
  }
}
