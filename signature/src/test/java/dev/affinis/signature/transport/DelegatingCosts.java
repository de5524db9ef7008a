package dev.affinis.signature.transport;

/** Costs that answer as others do, for tests that change an answer or count questions. */
class DelegatingCosts implements CostSource {
  private final CostSource costs;

  DelegatingCosts(CostSource costs) {
    this.costs = costs;
  }

  @Override
  public int size() {
    return costs.size();
  }

  @Override
  public int listLength() {
    return costs.listLength();
  }

  @Override
  public int[] firstTwins() {
    return costs.firstTwins();
  }

  @Override
  public double[] diagonal() {
    return costs.diagonal();
  }

  @Override
  public double[] columnMinima() {
    return costs.columnMinima();
  }

  @Override
  public boolean minimaAreExact() {
    return costs.minimaAreExact();
  }

  @Override
  public void list(int[] rows, int count, double[] v, CandidateLists lists) {
    costs.list(rows, count, v, lists);
  }

  @Override
  public Assignment solvePart(int[] rows) {
    return costs.solvePart(rows);
  }

  @Override
  public double[] leastOver(int[] rows, double[] u) {
    return costs.leastOver(rows, u);
  }
}
