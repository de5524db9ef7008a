package dev.affinis.instrument.block;

import ai.djl.ndarray.NDList;
import ai.djl.nn.AbstractBaseBlock;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.Handle;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Finds the activations that a block calls in its own code, where no field holds them, by reading
 * the bytecode of what can be reached from its forward pass. Calls of other blocks are left to
 * those.
 */
final class CodeScan {
  private static final Map<String, String> NAMED =
      Map.ofEntries(
          Map.entry("relu", "relu"),
          Map.entry("relu6", "relu6"),
          Map.entry("sigmoid", "sigmoid"),
          Map.entry("tanh", "tanh"),
          Map.entry("softPlus", "softplus"),
          Map.entry("softSign", "softsign"),
          Map.entry("leakyRelu", "leaky_relu"),
          Map.entry("elu", "elu"),
          Map.entry("selu", "selu"),
          Map.entry("gelu", "gelu"),
          Map.entry("swish", "swish"),
          Map.entry("mish", "mish"),
          Map.entry("prelu", "prelu"),
          Map.entry("tabNetGLU", "glu"),
          Map.entry("rnn", "rnn"),
          Map.entry("gru", "gru"),
          Map.entry("lstm", "lstm"));

  /** Operations of which activations are written by hand. */
  private static final Set<String> INGREDIENTS =
      Set.of("exp", "clip", "maximum", "minimum", "where", "gt", "gte", "lt", "lte", "abs");

  /** How one block runs another. */
  private static final Pattern FORWARD =
      Pattern.compile(
          "\\(Lai/djl/training/ParameterStore;Lai/djl/ndarray/NDList;(Z|Lai/djl/ndarray/NDList;)");

  private static final String BLOCKS = "ai/djl/nn/";
  private static final String ZOO = "ai/djl/basicmodelzoo/";

  /**
   * An activation in a block's code.
   *
   * @param word the activation, or the operation that may be a part of one
   * @param isCertain whether it is an activation for sure
   */
  record Hit(String word, boolean isCertain) {}

  /** A method by its class's internal name. */
  private record MethodKey(String owner, String name, String descriptor) {
    MethodKey in(String otherOwner) {
      return new MethodKey(otherOwner, name, descriptor);
    }
  }

  /**
   * A static field that the code reads.
   *
   * @param owner internal name of its class
   * @param name its name
   */
  record StaticField(String owner, String name) {}

  /**
   * What was found in a block's code.
   *
   * @param hits the activations it calls by itself, one for each place in the code
   * @param statics the static fields it reads, in other classes than its own
   */
  record Findings(List<Hit> hits, Set<StaticField> statics) {}

  private final Class<?> type;
  private final Set<Class<?>> helpers;
  private final Set<StaticField> statics = new LinkedHashSet<>();
  private final List<Hit> hits = new ArrayList<>();
  private final Deque<MethodKey> open = new ArrayDeque<>();
  private final Set<MethodKey> seen = new HashSet<>();

  private CodeScan(Class<?> type, Set<Class<?>> helpers) {
    this.type = type;
    this.helpers = helpers;
  }

  /**
   * Reads a block class.
   *
   * @param type class of the block
   * @param helpers classes of the objects that it holds, whose code may stand behind an interface
   * @return what its forward pass calls by itself; empty if the code cannot be found
   */
  static Optional<Findings> scan(Class<? extends Block> type, Set<Class<?>> helpers) {
    Class<?> declaring = forwardClass(type);
    if (Set.of(LambdaBlock.class, ParallelBlock.class, SequentialBlock.class).contains(declaring)) {
      return Optional.of(new Findings(List.of(), Set.of()));
    }
    CodeScan scan = new CodeScan(type, helpers);
    boolean isBase = AbstractBaseBlock.class.isAssignableFrom(type);
    String arguments =
        Type.getMethodDescriptor(
            Type.getType(NDList.class),
            Type.getType(ParameterStore.class),
            Type.getType(NDList.class),
            Type.BOOLEAN_TYPE,
            Type.getType(PairList.class));
    scan.open.add(
        new MethodKey(
            Type.getInternalName(type), isBase ? "forwardInternal" : "forward", arguments));
    try {
      scan.run();
    } catch (IOException e) {
      return Optional.empty();
    }
    return Optional.of(new Findings(List.copyOf(scan.hits), Set.copyOf(scan.statics)));
  }

  /**
   * Finds the class whose forward pass a block runs.
   *
   * @param type class of the block
   * @return the class that declares it
   */
  static Class<?> forwardClass(Class<?> type) {
    Class<?>[] parameters = {ParameterStore.class, NDList.class, boolean.class, PairList.class};
    for (Class<?> c = type; c != null; c = c.getSuperclass()) {
      for (Method method : c.getDeclaredMethods()) {
        boolean isNamed =
            method.getName().equals("forwardInternal") || method.getName().equals("forward");
        if (isNamed && Arrays.equals(method.getParameterTypes(), parameters)) {
          return c;
        }
      }
    }
    return type;
  }

  private void run() throws IOException {
    while (!open.isEmpty()) {
      MethodKey method = open.removeFirst();
      if (seen.add(method)) {
        read(method);
      }
    }
  }

  /** Reads a method where it is declared: in the class itself or in one above it. */
  private void read(MethodKey method) throws IOException {
    String owner = method.owner();
    while (owner != null && isFollowed(owner)) {
      Reader reader = new Reader(method, owner.startsWith(BLOCKS) || owner.startsWith(ZOO));
      ClassReader code = code(owner);
      code.accept(reader, ClassReader.SKIP_DEBUG | ClassReader.SKIP_FRAMES);
      if (reader.isAbstract) {
        helpers.stream()
            .filter(helper -> isBelow(helper, method.owner()))
            .map(helper -> method.in(Type.getInternalName(helper)))
            .forEach(open::add);
      }
      if (reader.isFound) {
        return;
      }
      owner = code.getSuperName();
    }
  }

  private ClassReader code(String owner) throws IOException {
    ClassLoader loader = type.getClassLoader();
    try (InputStream in =
        loader == null
            ? ClassLoader.getSystemResourceAsStream(owner + ".class")
            : loader.getResourceAsStream(owner + ".class")) {
      if (in == null) {
        throw new IOException("no code of " + owner);
      }
      return new ClassReader(in);
    }
  }

  /** Code of the user and of DJL's blocks is read; that of libraries and of the engine is not. */
  static boolean isFollowed(String owner) {
    if (owner.startsWith("[")) {
      return false;
    }
    if (owner.startsWith("ai/djl/")) {
      return owner.startsWith(BLOCKS) || owner.startsWith(ZOO);
    }
    return !owner.startsWith("java/")
        && !owner.startsWith("javax/")
        && !owner.startsWith("jdk/")
        && !owner.startsWith("sun/")
        && !owner.startsWith("org/slf4j/")
        && !owner.startsWith("kotlin/")
        && !owner.startsWith("scala/");
  }

  private void call(MethodKey callee, boolean isVirtual, boolean inLibrary) {
    Optional<Hit> hit = hit(callee, inLibrary);
    if (hit.isPresent()) {
      hits.add(hit.get());
      return;
    }
    boolean isOtherBlock =
        callee.name().equals("initialize")
            || (callee.name().equals("forward")
                && FORWARD.matcher(callee.descriptor()).lookingAt());
    if (isFollowed(callee.owner()) && !isOtherBlock) {
      // A method of the block's own hierarchy may be overridden further down.
      boolean isOwn = isVirtual && isBelow(type, callee.owner());
      open.add(isOwn ? callee.in(Type.getInternalName(type)) : callee);
    }
  }

  /** Whether a class is, extends or implements another. */
  private static boolean isBelow(Class<?> lower, String upper) {
    return lower != null
        && (Type.getInternalName(lower).equals(upper)
            || isBelow(lower.getSuperclass(), upper)
            || Arrays.stream(lower.getInterfaces()).anyMatch(i -> isBelow(i, upper)));
  }

  private static Optional<Hit> hit(MethodKey callee, boolean inLibrary) {
    String owner = callee.owner();
    String name = callee.name();
    if (owner.equals("ai/djl/nn/Activation")) {
      String function = name.endsWith("Block") ? name.substring(0, name.length() - 5) : name;
      return Optional.of(
          new Hit(NAMED.getOrDefault(function, function.toLowerCase(Locale.ROOT)), true));
    }
    boolean isTensor =
        owner.startsWith("ai/djl/ndarray/") || owner.matches("ai/djl/.*NDArray(Ex)?");
    boolean isHelper = owner.startsWith(BLOCKS + "core/Prelu") || owner.startsWith(ZOO);
    if ((isTensor || isHelper) && NAMED.containsKey(name)) {
      return Optional.of(new Hit(NAMED.get(name), true));
    }
    if (isTensor && name.equals("erf")) {
      return Optional.of(new Hit("gelu", true));
    }
    return isTensor && !inLibrary && INGREDIENTS.contains(name)
        ? Optional.of(new Hit(name, false))
        : Optional.empty();
  }

  /** Visits one method of a class. */
  private final class Reader extends ClassVisitor {
    private final MethodKey method;
    private final boolean inLibrary;
    private boolean isFound;
    private boolean isAbstract;

    Reader(MethodKey method, boolean inLibrary) {
      super(Opcodes.ASM9);
      this.method = method;
      this.inLibrary = inLibrary;
    }

    @Override
    public MethodVisitor visitMethod(
        int access, String name, String descriptor, String signature, String[] exceptions) {
      if (!name.equals(method.name()) || !descriptor.equals(method.descriptor())) {
        return null;
      }
      isFound = true;
      isAbstract = (access & Opcodes.ACC_ABSTRACT) != 0;
      return new MethodVisitor(Opcodes.ASM9) {
        @Override
        public void visitMethodInsn(
            int opcode, String owner, String name, String descriptor, boolean isInterface) {
          boolean isVirtual = opcode == Opcodes.INVOKEVIRTUAL || opcode == Opcodes.INVOKEINTERFACE;
          call(new MethodKey(owner, name, descriptor), isVirtual, inLibrary);
        }

        @Override
        public void visitFieldInsn(int opcode, String owner, String name, String descriptor) {
          boolean isObject = descriptor.startsWith("L") && !descriptor.startsWith("Ljava/lang/");
          if (opcode == Opcodes.GETSTATIC
              && isObject
              && !inLibrary
              && isFollowed(owner)
              && !isBelow(type, owner)) {
            statics.add(new StaticField(owner, name));
          }
        }

        @Override
        public void visitInvokeDynamicInsn(
            String name, String descriptor, Handle bootstrap, Object... arguments) {
          for (Object argument : arguments) {
            if (argument instanceof Handle handle) {
              MethodKey callee =
                  new MethodKey(handle.getOwner(), handle.getName(), handle.getDesc());
              call(callee, handle.getTag() == Opcodes.H_INVOKEVIRTUAL, inLibrary);
            }
          }
        }
      };
    }
  }
}
