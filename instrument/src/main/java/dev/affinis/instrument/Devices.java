package dev.affinis.instrument;

import ai.djl.Device;
import ai.djl.engine.Engine;

/** The devices that models run on. */
final class Devices {
  private Devices() {}

  /**
   * The name of a device in signature files and on the command line: {@code cpu}, {@code gpu:0}.
   */
  static String word(Device device) {
    return device.isGpu() ? "gpu:" + device.getDeviceId() : "cpu";
  }

  /**
   * Checks that a device is there.
   *
   * @throws InvalidInputException if it is not: nothing is ever run elsewhere than asked
   */
  static void requirePresent(Device device) {
    if (!device.isGpu() && !device.getDeviceType().equals(Device.Type.CPU)) {
      throw new InvalidInputException(
          "device " + device + " is not supported: expected cpu or gpu:N");
    }
    int gpus = device.isGpu() ? Engine.getEngine("PyTorch").getGpuCount() : 0;
    if (device.isGpu() && device.getDeviceId() >= gpus) {
      throw new InvalidInputException(
          "device "
              + word(device)
              + " is not there: the engine sees "
              + gpus
              + " GPUs; run on --device cpu, or set PYTORCH_LIBRARY_PATH to a libtorch built for"
              + " CUDA");
    }
  }
}
