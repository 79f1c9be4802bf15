// SPDX-License-Identifier: Apache-2.0
#include "tests/train/bad_inputs.h"

#include "tests/train/byte_files.h"
#include "tests/train/damaged_files.h"

namespace gantry::testing {
namespace {

using Kind = DataSourceKind;

constexpr size_t kBomb =
    50u << 20;  // made when asked for: every test of the program lists the cases

void write_mnist(const ScratchFolder& folder, uint32_t images, uint32_t labels, uint8_t label) {
  write_bytes(folder / "set/t10k-images-idx3-ubyte", idx_file({images, 4, 4}, noise(images * 16)));
  write_bytes(folder / "set/t10k-labels-idx1-ubyte", idx_file({labels}, Bytes(labels, label)));
}

std::function<void(const ScratchFolder&)> file(const char* name, const Bytes& bytes) {
  return [name, bytes](const ScratchFolder& folder) { write_bytes(folder / name, bytes); };
}

}  // namespace

std::vector<BadInput> bad_idx_files() {
  const Bytes good = idx_file({2, 4, 4}, noise(32));
  Bytes type = good;
  type[2] = 0x0d;
  const auto nothing = [](const ScratchFolder&) {};
  return {
      {"missing", Kind::kIdx, "x", nothing, {"does not exist"}},
      {"missing folder", Kind::kMnist, "no/where", nothing, {"train-images", "no folder"}},
      {"folder without files",
       Kind::kMnist,
       "set",
       file("set/readme.txt", {'x'}),
       {"readme.txt", "fetch"}},
      {"empty file", Kind::kIdx, "x", file("x", {}), {"empty"}},
      {"folder as file", Kind::kIdx, "set", file("set/a", {1}), {"folder"}},
      {"web page",
       Kind::kIdx,
       "x",
       [](const ScratchFolder& f) { write_text(f / "x", "<!DOCTYPE html><html>no</html>"); },
       {"HTML"}},
      {"PNG as IDX", Kind::kIdx, "x", file("x", png()), {"PNG"}},
      {"header cut", Kind::kIdx, "x", file("x", cut(good, 9)), {"truncated"}},
      {"values cut",
       Kind::kIdx,
       "x",
       file("x", cut(good, 30)),
       {"looked for values of 32 bytes", "14"}},
      {"too long", Kind::kIdx, "x", file("x", cut(good, 60)), {"more in it"}},
      {"type of floats", Kind::kIdx, "x", file("x", type), {"type 13"}},
      {"labels as images", Kind::kIdx, "x", file("x", idx_file({4}, noise(4))), {"axes", "labels"}},
      {"axis of 0", Kind::kIdx, "x", file("x", idx_file({0, 4, 4}, {})), {"empty set"}},
      {"huge claim",
       Kind::kIdx,
       "x",
       file("x", idx_file({0xffffffff, 0xffff, 0xffff}, noise(32))),
       {"memory_mb"}},
      {"false claim",
       Kind::kIdx,
       "x",
       file("x", idx_file({1 << 20, 8, 8}, noise(32))),
       {"found 32", "truncated"}},
      {"gzip cut", Kind::kIdx, "x", file("x", cut(gzip(good), 20)), {"gzip", "truncated"}},
      {"gzip bomb",
       Kind::kIdx,
       "x",
       [good](const ScratchFolder& f) { write_bytes(f / "x", gzip(cut(good, kBomb))); },
       {"more in it"}},
      {"gzip of text",
       Kind::kIdx,
       "x",
       file("x", gzip({'h', 'e', 'l', 'l', 'o'})),
       {"within a gzip"}},
      {"label count",
       Kind::kMnist,
       "set",
       [](const ScratchFolder& f) { write_mnist(f, 3, 2, 0); },
       {"2 labels", "3 images"},
       DataSplit::kTest},
      {"label value",
       Kind::kMnist,
       "set",
       [](const ScratchFolder& f) { write_mnist(f, 3, 3, 10); },
       {"label", "10"},
       DataSplit::kTest},
  };
}

std::vector<BadInput> bad_images() {
  Bytes crc = png(16);
  crc[60] ^= 0x55;
  const auto zip = [](const Members& members, const char* name) {
    return [members, name](const ScratchFolder& f) { write_archive(f / name, members, true); };
  };
  return {
      {"missing", Kind::kImages, "x.zip", [](const ScratchFolder&) {}, {"does not exist"}},
      {"no images",
       Kind::kImages,
       "set",
       file("set/a.webp", {1}),
       {"found 1 other files such as a.webp"}},
      {"empty class folder",
       Kind::kImages,
       "set",
       [](const ScratchFolder& f) {
         write_bytes(f / "set/cat/1.png", png());
         std::filesystem::create_directories(f / "set/dog");
       },
       {"class folder dog"}},
      {"no test part",
       Kind::kImages,
       "set",
       file("set/train/a/1.png", png()),
       {"test", "train"},
       DataSplit::kTest},
      {"empty image", Kind::kImages, "set", file("set/1.png", {}), {"1.png", "empty", "skip"}},
      {"truncated PNG",
       Kind::kImages,
       "set",
       file("set/1.png", cut(png(16), 90)),
       {"1.png", "PNG"}},
      {"damaged PNG", Kind::kImages, "set", file("set/1.png", crc), {"1.png", "PNG"}},
      {"huge PNG header",
       Kind::kImages,
       "set",
       file("set/1.png", png_claiming(900000)),
       {"1.png", "900000 x 900000"}},
      {"large PNG header",
       Kind::kImages,
       "set",
       file("set/1.png", png_claiming(8000)),
       {"cannot hold"}},
      {"truncated JPEG",
       Kind::kImages,
       "set",
       file("set/1.jpg", {0xff, 0xd8, 0xff, 0xe0, 0, 16}),
       {"JPEG"}},
      {"GIF as PNG",
       Kind::kImages,
       "set",
       file("set/1.png", {'G', 'I', 'F', '8', '9', 'a'}),
       {"GIF"}},
      {"two sizes",
       Kind::kImages,
       "set",
       [](const ScratchFolder& f) {
         write_bytes(f / "set/1.png", png(4));
         write_bytes(f / "set/2.png", png(5));
       },
       {"2.png", "1.png", "data.size"}},
      {"web page as zip",
       Kind::kImages,
       "x.zip",
       [](const ScratchFolder& f) { write_text(f / "x.zip", "<html>quota</html>"); },
       {"HTML"}},
      {"noise as zip", Kind::kImages, "x.zip", file("x.zip", noise(4000)), {"archive"}},
      {"zip without images", Kind::kImages, "x.zip", zip({{"a.txt", {1}}}, "x.zip"), {"a.txt"}},
      {"bad image in zip",
       Kind::kImages,
       "x.zip",
       zip({{"1.png", png()}, {"2.png", {1, 2}}}, "x.zip"),
       {"x.zip/2.png"}},
      {"bomb in tar.gz",
       Kind::kImages,
       "x.tgz",
       [](const ScratchFolder& f) {
         const Bytes zeros(kBomb);
         write_archive(f / "x.tgz", {{"a.bin", zeros}, {"b.bin", zeros}, {"1.png", png()}}, false);
       },
       {"bomb"}},
      {"truncated tar.gz",
       Kind::kImages,
       "x.tgz",
       [](const ScratchFolder& f) {
         write_archive(f / "x.tgz", {{"1.png", noise(200000)}, {"2.png", noise(200000)}}, false);
         std::filesystem::resize_file(f / "x.tgz", 150000);
       },
       {"archive"}},
  };
}

std::vector<BadInput> bad_arrays() {
  const char* good = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 3), }";
  return {
      {"no npy", Kind::kNpy, "x.npy", file("x.npy", noise(200)), {"npy"}},
      {"npy cut", Kind::kNpy, "x.npy", file("x.npy", npy(good, 17)), {"promises 18", "17"}},
      {"npy too long", Kind::kNpy, "x.npy", file("x.npy", npy(good, 19)), {"promises 18"}},
      {"header cut", Kind::kNpy, "x.npy", file("x.npy", cut(npy(good, 0), 30)), {"header"}},
      {"fortran",
       Kind::kNpy,
       "x.npy",
       file("x.npy", npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", 6)),
       {"Fortran"}},
      {"big-endian",
       Kind::kNpy,
       "x.npy",
       file("x.npy", npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", 24)),
       {">f4"}},
      {"objects",
       Kind::kNpy,
       "x.npy",
       file("x.npy", npy("{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }", 48)),
       {"|O"}},
      {"overflow",
       Kind::kNpy,
       "x.npy",
       file(
           "x.npy",
           npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 8)),
       {"too many"}},
      {"one axis",
       Kind::kNpy,
       "x.npy",
       file("x.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }", 6)),
       {"axes"}},
      {"npz bomb",
       Kind::kNpy,
       "x.npz",
       [](const ScratchFolder& f) {
         const char* header = "{'descr': '|u1', 'fortran_order': False, 'shape': (94371840, 1), }";
         write_archive(f / "x.npz", {{"x.npy", npy(header, 90u << 20)}}, true);
       },
       {"bomb"}},
      {"record cut",
       Kind::kCifar10,
       "set",
       file("set/test_batch.bin", noise(3000)),
       {"3073", "3000"},
       DataSplit::kTest},
      {"bad label",
       Kind::kCifar10,
       "set",
       file("set/test_batch.bin", Bytes(3073, 77)),
       {"77"},
       DataSplit::kTest},
      {"python version",
       Kind::kCifar10,
       "set",
       file("set/test_batch", noise(30)),
       {"binary version"},
       DataSplit::kTest},
  };
}

DataConfig BadInput::make_in(const ScratchFolder& folder) const {
  make(folder);
  DataConfig config;
  config.source = source;
  config.path = folder / path;
  config.split = split;
  return config;
}

}  // namespace gantry::testing
