package dev.affinis.signature.transport;

/**
 * The costs of an assignment problem, read through short lists: an {@link Auction} never needs all
 * of them at once.
 *
 * <p>Columns that cost the same in every row are twins; all but the first of them are left out of
 * lists, and the first stands for all.
 */
interface CostSource {
  /** Returns n, the number of rows and of columns. */
  int size();

  /** Returns how many columns are best listed for a row, the more the dearer it is to list it. */
  int listLength();

  /**
   * Returns, for each column, the first column with the same costs; itself, too, where twins are
   * hidden by a third column that seems equal to them at first sight. A twin that is not found
   * costs time alone.
   *
   * @return an array (n), owned by the source
   */
  int[] firstTwins();

  /**
   * Returns the costs of pairing each row with its own column.
   *
   * @return a new array (n)
   */
  double[] diagonal();

  /**
   * Returns, for each column, its least cost, exactly or nearly.
   *
   * @return a new array (n)
   */
  double[] columnMinima();

  /** Returns whether the minima are exact. */
  boolean minimaAreExact();

  /**
   * Lists the cheapest columns of some rows: those whose reduced cost {@code c[i][j] - v[j]} is
   * below the bound that the lists hold for the row, or the cheapest of those where the list is too
   * short. Sets the bound to a lower bound on the reduced costs of all columns that are not listed.
   *
   * @param rows numbers of the rows
   * @param count how many of them
   * @param v potentials of the columns (n)
   * @param lists filled in; costs are exact
   */
  void list(int[] rows, int count, double[] v, CandidateLists lists);

  /**
   * Solves the smaller problem of some rows and the columns of the same numbers.
   *
   * @param rows numbers of the rows, ascending
   * @return its solution, or null if none was proved optimal within the budget
   */
  Assignment solvePart(int[] rows);

  /**
   * Returns, for each column, the least {@code c[i][j] - u[i]} over some rows, exactly or nearly.
   *
   * @param rows numbers of the rows
   * @param u potentials of these rows
   * @return a new array (n)
   */
  double[] leastOver(int[] rows, double[] u);
}
