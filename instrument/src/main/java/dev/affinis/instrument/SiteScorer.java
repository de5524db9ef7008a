package dev.affinis.instrument;

import dev.affinis.instrument.MemoryPlan.Place;
import dev.affinis.instrument.MemoryPlan.SiteMemory;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/**
 * Scores the sites of one pass on a few threads. The engine's matrix products use all cores by
 * themselves, but an assignment problem runs on one: while one site is at that, the next one's
 * algebra keeps the others busy.
 *
 * <p>Whenever a thread is free it takes the most expensive of the waiting sites whose workspace
 * fits into what the budget and the Java heap have left; if none is being scored, the most
 * expensive in any case. So it always ends. A site's result does not depend on what else is
 * running.
 *
 * @param <T> what comes out for a site
 */
final class SiteScorer<T> {
  /** The share of the Java heap that is left to everything else. */
  private static final int HEAP_RESERVE = 8;

  private final List<SiteMemory> sites;
  private final int threads;
  private final IntFunction<T> score;
  private final boolean readsBack;
  private final List<Integer> waiting = new ArrayList<>();
  private final int count;
  private long room;
  private long heapRoom;
  private int running;
  private boolean stopped;

  private record Scored<T>(int site, T result) {}

  /**
   * Prepares a run.
   *
   * @param plan the memory plan
   * @param pass the pass whose captures there are
   * @param open which of its sites are scored, as positions in the pass
   * @param maxHeap most bytes that the Java heap can have
   * @param score scores the site of the pass with this number, frees its captures; called on
   *     several threads at once
   */
  SiteScorer(MemoryPlan plan, int pass, List<Integer> open, long maxHeap, IntFunction<T> score) {
    sites = plan.sites(pass);
    threads = plan.scoringThreads();
    this.score = score;
    readsBack = plan.place() == Place.DISK;
    room = plan.budget() - (readsBack ? 0 : plan.captureBytes(pass));
    heapRoom = maxHeap - maxHeap / HEAP_RESERVE;
    waiting.addAll(open);
    count = open.size();
    waiting.sort(
        Comparator.comparingLong((Integer i) -> sites.get(i).workspace().bytes()).reversed());
  }

  /**
   * Scores the sites. If one fails, no other is begun, and what it threw is thrown once those that
   * run are through.
   *
   * @param scored takes the result of each site as it comes, on this thread
   */
  void run(Consumer<T> scored) {
    AtomicInteger number = new AtomicInteger();
    ExecutorService pool =
        Executors.newFixedThreadPool(
            threads,
            task -> {
              Thread thread = new Thread(task, "affinis-score-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    try {
      CompletionService<Scored<T>> done = new ExecutorCompletionService<>(pool);
      for (int i = 0; i < count; i++) {
        done.submit(this::scoreOne);
      }
      collect(done, scored);
    } finally {
      stop();
      pool.shutdown();
    }
  }

  /** Waits for as many tasks as there are sites; tasks do nothing any more after a failure. */
  private void collect(CompletionService<Scored<T>> done, Consumer<T> scored) {
    Throwable failure = null;
    boolean interrupted = false;
    for (int left = count; left > 0; left--) {
      try {
        Scored<T> one = done.take().get();
        if (one.site() >= 0) {
          scored.accept(one.result());
        }
      } catch (InterruptedException e) {
        left++; // nothing was taken
        interrupted = true;
        stop();
      } catch (ExecutionException e) {
        failure = failed(failure, e.getCause());
      } catch (RuntimeException | Error e) {
        failure = failed(failure, e);
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
      failure = failed(failure, new IllegalStateException("interrupted while sites were scored"));
    }
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure != null) {
      throw (RuntimeException) failure; // scoring throws nothing that is checked
    }
  }

  private Throwable failed(Throwable before, Throwable now) {
    stop();
    if (before == null) {
      return now;
    }
    if (before != now) {
      before.addSuppressed(now);
    }
    return before;
  }

  private Scored<T> scoreOne() throws InterruptedException {
    int site = begin();
    if (site < 0) {
      return new Scored<>(site, null);
    }
    try {
      return new Scored<>(site, score.apply(site));
    } catch (RuntimeException | Error e) {
      stop(); // before another thread sees that there is room again
      throw e;
    } finally {
      end(site);
    }
  }

  /** Waits until a site may begin; negative if none is to any more. */
  private synchronized int begin() throws InterruptedException {
    while (!stopped) {
      for (int site : waiting) {
        if (running == 0 || fits(sites.get(site))) {
          waiting.remove((Integer) site);
          running++;
          room -= taken(sites.get(site));
          heapRoom -= sites.get(site).workspace().heapBytes();
          return site;
        }
      }
      wait();
    }
    return -1;
  }

  private boolean fits(SiteMemory site) {
    return taken(site) <= room && site.workspace().heapBytes() <= heapRoom;
  }

  /** What a site takes while it is scored beside what it holds already. */
  private long taken(SiteMemory site) {
    return readsBack ? site.bytes() : site.workspace().bytes();
  }

  /** A site's captures are gone, too. */
  private synchronized void end(int site) {
    running--;
    room += sites.get(site).bytes();
    heapRoom += sites.get(site).workspace().heapBytes();
    notifyAll();
  }

  /** Begins no other site; may be called by any thread. */
  synchronized void stop() {
    stopped = true;
    notifyAll();
  }
}
