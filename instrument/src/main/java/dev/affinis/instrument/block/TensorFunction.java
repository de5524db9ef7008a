package dev.affinis.instrument.block;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Proxy;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * An object with one method that takes and gives tensors, whatever interface it implements.
 *
 * @param target the function
 * @param type the functional interface through which it is called
 * @param method the interface's one abstract method
 * @param form how the method takes its tensors
 */
record TensorFunction(Object target, Class<?> type, Method method, Form form) {
  /** How a function takes its tensors. */
  enum Form {
    /** One array. */
    ARRAY,
    /** Two arrays. */
    ARRAYS,
    /** A list of arrays. */
    LIST,
    /** A list with the outputs of each branch. */
    BRANCHES,
    /** Tensors and something else; it cannot be called without knowing what. */
    OTHER
  }

  /**
   * The forms in which a function may be called, as far as its declaration says.
   *
   * @param target the function
   * @param declared the type it is declared with
   * @return one function for each form that is possible; none if it does not take tensors
   */
  static List<TensorFunction> of(Object target, Type declared) {
    Class<?> type = rawClass(declared).filter(Class::isInterface).orElse(null);
    if (type == null && target instanceof Function) {
      type = Function.class;
    }
    Method method = type == null ? null : abstractMethod(type).orElse(null);
    if (method == null || !type.isInstance(target)) {
      return List.of();
    }
    List<Type> arguments =
        declared instanceof ParameterizedType p ? List.of(p.getActualTypeArguments()) : List.of();
    List<TensorFunction> functions = new ArrayList<>();
    for (Form form : forms(type, method, arguments)) {
      functions.add(new TensorFunction(target, type, method, form));
    }
    return functions;
  }

  private static List<Form> forms(Class<?> type, Method method, List<Type> arguments) {
    List<Type> parameters = Arrays.asList(method.getGenericParameterTypes());
    Type result = method.getGenericReturnType();
    int count = arguments.size();
    if (type.equals(Function.class) && count == 2) {
      parameters = arguments.subList(0, 1);
      result = arguments.get(1);
    } else if (type.equals(UnaryOperator.class) && count == 1) {
      parameters = arguments;
      result = arguments.get(0);
    } else if (type.equals(BiFunction.class) && count == 3) {
      parameters = arguments.subList(0, 2);
      result = arguments.get(2);
    } else if (type.equals(BinaryOperator.class) && count == 1) {
      parameters = List.of(arguments.get(0), arguments.get(0));
      result = arguments.get(0);
    }
    if (!mayBe(result, NDArray.class) && !mayBe(result, NDList.class)) {
      return List.of();
    }
    List<Form> forms = new ArrayList<>();
    if (parameters.size() == 1) {
      Type parameter = parameters.get(0);
      if (mayBe(parameter, NDArray.class)) {
        forms.add(Form.ARRAY);
      }
      if (mayBe(parameter, NDList.class)) {
        forms.add(Form.LIST);
      }
      if (mayBe(parameter, List.class)) {
        forms.add(Form.BRANCHES);
      }
    } else if (parameters.size() == 2
        && parameters.stream().allMatch(p -> mayBe(p, NDArray.class))) {
      forms.add(Form.ARRAYS);
    } else if (parameters.stream().anyMatch(TensorFunction::isTensor)) {
      forms.add(Form.OTHER);
    }
    return forms;
  }

  /** Whether a value of the declared type can be one of the class; a type variable can be all. */
  private static boolean mayBe(Type declared, Class<?> type) {
    Class<?> raw = rawClass(declared).orElse(Object.class);
    if (raw.equals(Object.class)) {
      return true;
    }
    if (raw.equals(List.class) && declared instanceof ParameterizedType list) {
      return type.equals(List.class) && mayBe(list.getActualTypeArguments()[0], NDList.class);
    }
    // An NDList is a list, but not one of branches.
    return type.equals(List.class) ? raw.equals(List.class) : type.isAssignableFrom(raw);
  }

  private static boolean isTensor(Type declared) {
    return rawClass(declared)
        .filter(c -> NDArray.class.isAssignableFrom(c) || NDList.class.isAssignableFrom(c))
        .isPresent();
  }

  /** The class of a type without its arguments; empty for type variables. */
  static Optional<Class<?>> rawClass(Type type) {
    if (type instanceof Class<?> c) {
      return Optional.of(c);
    }
    if (type instanceof ParameterizedType p) {
      return rawClass(p.getRawType());
    }
    if (type instanceof WildcardType w) {
      return w.getLowerBounds().length > 0
          ? rawClass(w.getLowerBounds()[0])
          : rawClass(w.getUpperBounds()[0]);
    }
    return Optional.empty();
  }

  private static Optional<Method> abstractMethod(Class<?> type) {
    List<Method> methods =
        Arrays.stream(type.getMethods())
            .filter(m -> Modifier.isAbstract(m.getModifiers()))
            .filter(m -> !isMethodOfObject(m))
            .toList();
    return methods.size() == 1 ? Optional.of(methods.get(0)) : Optional.empty();
  }

  private static boolean isMethodOfObject(Method method) {
    return Arrays.stream(Object.class.getMethods())
        .anyMatch(
            m ->
                m.getName().equals(method.getName())
                    && Arrays.equals(m.getParameterTypes(), method.getParameterTypes()));
  }

  /**
   * Calls the function with separate arrays.
   *
   * @param arrays one for {@link Form#ARRAY}; for {@link Form#BRANCHES} one for each branch
   * @return what it gives, as a list
   */
  NDList call(List<NDArray> arrays) {
    Object result =
        switch (form) {
          case ARRAY, ARRAYS -> invoke(arrays.toArray());
          case LIST -> invoke(new Object[] {new NDList(arrays)});
          case BRANCHES ->
              invoke(
                  new Object[] {
                    // Functions may change the list and its members.
                    new ArrayList<>(arrays.stream().map(a -> new NDList(a)).toList())
                  });
          case OTHER -> throw new IllegalArgumentException("it takes more than tensors");
        };
    return asList(result);
  }

  /** The arrays in the arguments of a call. */
  List<NDArray> arrays(Object[] arguments) {
    List<NDArray> arrays = new ArrayList<>();
    for (Object argument : arguments) {
      if (argument instanceof NDArray array) {
        arrays.add(array);
      } else if (argument instanceof List<?> list) {
        // An NDList is a list, too.
        arrays.addAll(arrays(list.toArray()));
      }
    }
    return arrays;
  }

  /** What a function gave, as a list of arrays. */
  static NDList asList(Object result) {
    if (result instanceof NDArray array) {
      return new NDList(array);
    }
    return result instanceof NDList list ? list : new NDList();
  }

  /**
   * Calls the function with the arguments of its own method.
   *
   * @param arguments the method's arguments
   * @return what it gives
   */
  Object invoke(Object[] arguments) {
    return invoke(method, arguments);
  }

  private Object invoke(Method called, Object[] arguments) {
    try {
      called.setAccessible(true);
      return called.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Makes an object of the same interface that calls another method in place of the function.
   *
   * @param tap what runs instead, with the arguments of the function's own method
   * @return an object to put where the function was
   */
  Object intercepted(Tap tap) {
    ClassLoader loader =
        Modifier.isPublic(type.getModifiers()) && type.getClassLoader() == null
            ? TensorFunction.class.getClassLoader()
            : type.getClassLoader();
    return Proxy.newProxyInstance(loader, new Class<?>[] {type}, new Handler(this, tap));
  }

  /** Whether an object was made by {@link #intercepted}. */
  static boolean isIntercepted(Object function) {
    return Proxy.isProxyClass(function.getClass())
        && Proxy.getInvocationHandler(function) instanceof Handler;
  }

  /** Takes the place of a function. */
  interface Tap {
    /**
     * Runs in place of the function.
     *
     * @param function the function
     * @param arguments the arguments it was to be called with
     * @return what the caller gets
     */
    Object call(TensorFunction function, Object[] arguments);
  }

  private record Handler(TensorFunction function, Tap tap) implements InvocationHandler {
    @Override
    public Object invoke(Object proxy, Method called, Object[] arguments) throws Throwable {
      if (called.isDefault()) {
        return InvocationHandler.invokeDefault(proxy, called, arguments);
      }
      if (called.getDeclaringClass().equals(Object.class)) {
        return function.invoke(called, arguments);
      }
      return tap.call(function, arguments);
    }
  }
}
