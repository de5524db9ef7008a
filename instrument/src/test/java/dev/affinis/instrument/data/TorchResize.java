package dev.affinis.instrument.data;

import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** PyTorch's own bilinear resizing, called through a TorchScript archive written by hand. */
final class TorchResize implements AutoCloseable {
  private static final String CODE =
      """
      class Resize(Module):
        __parameters__ = []
        __buffers__ = []
        def forward(self: __torch__.Resize,
          x: Tensor,
          size: Tensor) -> Tuple[Tensor, Tensor]:
          h = int(torch.select(size, 0, 0))
          w = int(torch.select(size, 0, 1))
          a = torch._upsample_bilinear2d_aa(x, [h, w], False)
          b = torch.upsample_bilinear2d(x, [h, w], False)
          return (a, b)
      """;

  private final NDManager manager = NDManager.newBaseManager();
  private final Model model = Model.newInstance("resize", "PyTorch");

  TorchResize() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      // Pickle, protocol 2: an instance of __torch__.Resize with an empty state.
      put(zip, "resize/data.pkl", "\u0080\u0002c__torch__\nResize\n)\u0081}b.");
      put(zip, "resize/code/__torch__.py", CODE);
      put(zip, "resize/constants.pkl", "\u0080\u0002).");
      put(zip, "resize/version", "3\n");
    }
    model.load(new ByteArrayInputStream(bytes.toByteArray()));
  }

  private static void put(ZipOutputStream zip, String name, String content) throws Exception {
    byte[] bytes = content.getBytes(StandardCharsets.ISO_8859_1);
    CRC32 crc = new CRC32();
    crc.update(bytes);
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(bytes.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(bytes);
  }

  /**
   * Resizes an image in float64: float32 weights of large images would be off by 1e-5 themselves.
   *
   * <p>With antialiasing newWidth must be at least 2: PyTorch 2.7.1 mistakes the vertical pass of a
   * column for a horizontal one (1.13 does not).
   *
   * @param image 3 x height x width
   * @param antialias which of the two functions
   * @return 3 x newHeight x newWidth
   */
  float[] resize(
      float[] image, int width, int height, int newWidth, int newHeight, boolean antialias) {
    try (NDManager scope = manager.newSubManager()) {
      NDList input =
          new NDList(
              scope.create(image, new Shape(1, 3, height, width)).toType(DataType.FLOAT64, false),
              scope.create(new long[] {newHeight, newWidth}));
      NDList output = model.getBlock().forward(new ParameterStore(scope, false), input, false);
      output.attach(scope);
      return output.get(antialias ? 0 : 1).toType(DataType.FLOAT32, false).toFloatArray();
    }
  }

  @Override
  public void close() {
    model.close();
    manager.close();
  }
}
