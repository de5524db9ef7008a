package dev.affinis.instrument;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.Shape;
import dev.affinis.instrument.MemoryPlan.Place;
import dev.affinis.instrument.MemoryPlan.SiteMemory;
import dev.affinis.signature.transport.Workspace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SiteScorerTest {
  private static final int CAPTURES = 100;

  /** Device bytes that the scores of the sites take; each takes 10 of the heap, too. */
  private static final int[] WORK = {300, 20, 700, 50, 500, 90};

  private static final List<Integer> ALL = IntStream.range(0, WORK.length).boxed().toList();

  private static MemoryPlan plan(long budget, Place place, int threads) {
    List<SiteMemory> sites = new ArrayList<>();
    for (int work : WORK) {
      Site site = new Site("act" + sites.size(), 1, SiteKind.RELU, new Shape(4), 4);
      sites.add(new SiteMemory(site, CAPTURES, new Workspace(work, 10)));
    }
    return new MemoryPlan(budget, place, Path.of("."), sites, List.of(ALL), threads);
  }

  private static <T> SiteScorer<T> scorer(MemoryPlan plan, IntFunction<T> score) {
    return new SiteScorer<>(plan, 0, ALL, 1 << 20, score);
  }

  @Test
  void resultsOfAllSitesComeAndTheWidestBegins() {
    for (int threads = 1; threads <= 8; threads++) {
      List<Integer> begun = Collections.synchronizedList(new ArrayList<>());
      Thread caller = Thread.currentThread();
      List<Integer> results = new ArrayList<>();
      scorer(
              plan(100_000, Place.MEMORY, threads),
              i -> {
                begun.add(i);
                return i;
              })
          .run(
              result -> {
                assertSame(caller, Thread.currentThread());
                results.add(result);
              });
      assertEquals(ALL, results.stream().sorted().toList());
      if (threads == 1) {
        assertEquals(List.of(2, 4, 0, 5, 3, 1), begun);
      }
    }
  }

  @Test
  void sitesThatAreScoredAlreadyAreLeftOut() {
    List<Integer> results = new ArrayList<>();
    MemoryPlan plan = plan(100_000, Place.MEMORY, 2);
    new SiteScorer<>(plan, 0, List.of(1, 4), 1 << 20, i -> i).run(results::add);
    assertEquals(List.of(1, 4), results.stream().sorted().toList());
    new SiteScorer<>(plan, 0, List.<Integer>of(), 1 << 20, i -> i).run(results::add);
    assertEquals(2, results.size());
  }

  @Test
  void afterStopNoOtherSiteIsBegun() {
    AtomicReference<SiteScorer<Integer>> scorer = new AtomicReference<>();
    List<Integer> results = new ArrayList<>();
    scorer.set(
        scorer(
            plan(100_000, Place.MEMORY, 1),
            i -> {
              if (i == 4) {
                scorer.get().stop();
              }
              return i;
            }));
    scorer.get().run(results::add);
    assertEquals(List.of(2, 4), results, "what was being scored is kept");
  }

  @Test
  void asManyAsThereAreThreadsRunAtOnce() throws InterruptedException {
    CountDownLatch together = new CountDownLatch(3);
    List<Boolean> met = new ArrayList<>();
    scorer(
            plan(100_000, Place.DISK, 3),
            i -> {
              together.countDown();
              return await(together);
            })
        .run(met::add);
    assertEquals(Collections.nCopies(WORK.length, true), met);
  }

  private static boolean await(CountDownLatch latch) {
    try {
      latch.await();
      return true;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Lets others in. */
  private static void pause() {
    try {
      Thread.sleep(1);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void whatRunsAtOnceKeepsToTheBudget() {
    for (Place place : Place.values()) {
      for (long budget = 1310; budget < 2600; budget += 43) {
        long held = place == Place.MEMORY ? CAPTURES * WORK.length : 0;
        AtomicLong used = new AtomicLong(held);
        AtomicLong most = new AtomicLong();
        long capture = place == Place.MEMORY ? 0 : CAPTURES;
        scorer(
                plan(budget, place, 4),
                i -> {
                  long work = WORK[i] + 10 + capture;
                  most.accumulateAndGet(used.addAndGet(work), Math::max);
                  pause();
                  used.addAndGet(-work - (CAPTURES - capture));
                  return i;
                })
            .run(result -> {});
        assertTrue(most.get() <= budget, place + " " + most + " of " + budget);
      }
    }
  }

  @Test
  void whatFitsNowhereRunsAlone() {
    AtomicInteger running = new AtomicInteger();
    IntFunction<Integer> alone =
        i -> {
          assertEquals(1, running.incrementAndGet());
          pause();
          running.decrementAndGet();
          return i;
        };
    List<Integer> results = new ArrayList<>();
    scorer(plan(1, Place.MEMORY, 4), alone).run(results::add);
    assertEquals(WORK.length, results.size());
    // Nor do two run whose heaps do not fit together.
    new SiteScorer<>(plan(100_000, Place.MEMORY, 4), 0, ALL, 20, alone).run(results::add);
    assertEquals(2 * WORK.length, results.size());
  }

  @Test
  void failureEndsTheRunWithItsCause() {
    for (int threads = 1; threads <= 4; threads++) {
      int count = threads;
      AtomicInteger after = new AtomicInteger();
      InvalidInputException cause = new InvalidInputException("no memory for act4");
      InvalidInputException e =
          assertThrows(
              InvalidInputException.class,
              () ->
                  scorer(
                          plan(1, Place.MEMORY, count),
                          i -> {
                            if (i == 4) {
                              throw cause;
                            }
                            return after.incrementAndGet();
                          })
                      .run(result -> {}));
      assertSame(cause, e);
      assertEquals(1, after.get(), "only the widest was scored before");
    }
  }

  @Test
  void failuresOfSitesThatRunTogetherAreKept() {
    CountDownLatch together = new CountDownLatch(2);
    RuntimeException e =
        assertThrows(
            IllegalStateException.class,
            () ->
                scorer(
                        plan(100_000, Place.MEMORY, 2),
                        i -> {
                          together.countDown();
                          await(together);
                          throw new IllegalStateException("site " + i);
                        })
                    .run(result -> {}));
    List<String> messages = new ArrayList<>(List.of(e.getMessage()));
    for (Throwable other : e.getSuppressed()) {
      messages.add(other.getMessage());
    }
    Collections.sort(messages);
    assertEquals(List.of("site 2", "site 4"), messages);
  }

  @Test
  void javaErrorsComeAsTheyAre() {
    assertThrows(
        OutOfMemoryError.class,
        () ->
            scorer(
                    plan(100_000, Place.MEMORY, 2),
                    i -> {
                      throw new OutOfMemoryError("Java heap space");
                    })
                .run(result -> {}));
  }

  @Test
  void listenerThatFailsEndsTheRun() {
    assertThrows(
        UnsupportedOperationException.class,
        () ->
            scorer(plan(100_000, Place.MEMORY, 2), i -> i)
                .run(
                    result -> {
                      throw new UnsupportedOperationException();
                    }));
  }

  @Test
  void interruptionWaitsForWhatRunsAndIsKept() {
    AtomicInteger scored = new AtomicInteger();
    Thread caller = Thread.currentThread();
    assertThrows(
        IllegalStateException.class,
        () ->
            scorer(
                    plan(1, Place.MEMORY, 2),
                    i -> {
                      caller.interrupt();
                      return scored.incrementAndGet();
                    })
                .run(result -> {}));
    assertTrue(Thread.interrupted());
  }
}
