package dev.affinis.instrument;

import dev.affinis.signature.TokenPolicy;
import dev.affinis.signature.score.ScoreSet;
import dev.affinis.signature.transport.Workspace;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * How a {@link Measurement} keeps within its memory: where captures lie, how often the data go
 * through the model, and how many sites are scored at once. What the model and one batch take comes
 * on top.
 *
 * @param budget bytes that captures and scores may take together, Java heap included
 * @param place where captures lie until they are scored
 * @param spillDirectory where the file with captures lies if they are on disk
 * @param sites what each site takes, in the order of execution
 * @param passes for each pass over the data the sites that it captures, as positions in {@code
 *     sites}, ascending
 * @param scoringThreads most sites that are scored at once; fewer where the budget asks for it
 */
public record MemoryPlan(
    long budget,
    Place place,
    Path spillDirectory,
    List<SiteMemory> sites,
    List<List<Integer>> passes,
    int scoringThreads) {
  /** Where captures lie until they are scored. */
  public enum Place {
    /** On the model's device. */
    MEMORY,
    /** In a file that is read back site by site. */
    DISK
  }

  /** Copies the lists. */
  public MemoryPlan {
    sites = List.copyOf(sites);
    passes = passes.stream().map(List::copyOf).toList();
  }

  /**
   * What one site takes.
   *
   * @param site the site
   * @param captureBytes input and output rows of all samples
   * @param workspace what its scores take beside these, by the wider side
   */
  public record SiteMemory(Site site, long captureBytes, Workspace workspace) {
    /**
     * What a site takes of which one batch was captured.
     *
     * @param samples how many samples are captured
     * @param scored how many of them are scored at a time
     * @param scores what is computed of them
     */
    static SiteMemory of(Capture capture, long samples, long scored, ScoreSet scores) {
      long row = 0;
      long widest = 0;
      for (var side : List.of(capture.pre(), capture.post())) {
        long width = side.getShape().get(1);
        row += width * side.getDataType().getNumOfBytes();
        widest = Math.max(widest, width);
      }
      return new SiteMemory(capture.site(), samples * row, scores.workspace(scored, widest));
    }

    /**
     * Returns what it takes to score the site alone.
     *
     * @return bytes of captures and workspace
     */
    public long bytes() {
      return captureBytes + workspace.bytes();
    }
  }

  /**
   * Returns what the captures of all sites take.
   *
   * @return bytes
   */
  public long captureBytes() {
    return captureBytes(sites);
  }

  /**
   * Returns what the captures of one pass take.
   *
   * @param pass number of the pass, from 0
   * @return bytes
   */
  public long captureBytes(int pass) {
    return captureBytes(sites(pass));
  }

  private static long captureBytes(List<SiteMemory> some) {
    return some.stream().mapToLong(SiteMemory::captureBytes).sum();
  }

  /**
   * Returns the sites of one pass.
   *
   * @param pass number of the pass, from 0
   * @return what they take, in the order of execution
   */
  public List<SiteMemory> sites(int pass) {
    return passes.get(pass).stream().map(sites::get).toList();
  }

  /** Number of sites that are made of tokens. */
  int tokenSites() {
    return (int)
        sites.stream()
            .map(SiteMemory::site)
            .filter(site -> site.kind() != SiteKind.SPAN && site.hasTokens())
            .count();
  }

  /**
   * Says that a choice of tokens changes nothing: models without tokens can be compared with those
   * that have some, but a user should know.
   *
   * @param tokens what was chosen
   * @param sites number of sites that have tokens
   * @return one line, or nothing
   */
  static Optional<String> notice(TokenPolicy tokens, int sites) {
    return tokens.equals(TokenPolicy.ALL) || sites > 0
        ? Optional.empty()
        : Optional.of(
            "--tokens "
                + tokens.word()
                + " changes nothing: no site of this model has tokens (batch x tokens x channels)");
  }

  /**
   * Returns what a user should know about a plan that is not the usual one, all in memory and in
   * one pass.
   *
   * @return one line, or nothing
   */
  public Optional<String> notice() {
    boolean onePass = passes.size() == 1;
    if (onePass && place == Place.MEMORY) {
      return Optional.empty();
    }
    return Optional.of(
        "captures take "
            + ByteSize.describe(captureBytes())
            + ", too much for a memory budget of "
            + ByteSize.describe(budget)
            + (onePass
                ? ": they are kept in a file in " + spillDirectory + " until they are scored"
                : " and the free space in "
                    + spillDirectory
                    + ": the data go through the model "
                    + passes.size()
                    + " times, for a part of the sites each"));
  }
}
