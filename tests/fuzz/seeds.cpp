// SPDX-License-Identifier: Apache-2.0
// fuzz_seeds DIR: small good files of every format in DIR/TARGET, from which each fuzz target
// starts.
#include <turbojpeg.h>

#include <cstdio>

#include "core/atomic_file.h"
#include "core/safetensors.h"
#include "tests/train/byte_files.h"
#include "tests/train/damaged_files.h"

namespace gantry::testing {
namespace {

namespace fs = std::filesystem;

Bytes jpeg(TJPF format, TJSAMP sampling) {
  constexpr int kSide = 16;
  const Bytes pixels = noise(static_cast<size_t>(kSide * kSide * tjPixelSize[format]));
  tjhandle turbo = tjInitCompress();
  unsigned char* out = nullptr;
  unsigned long size = 0;
  tjCompress2(turbo, pixels.data(), kSide, 0, kSide, format, &out, &size, sampling, 90, 0);
  const Bytes bytes(out, out + size);
  tjFree(out);
  tjDestroy(turbo);
  return bytes;
}

void write_images(const fs::path& folder) {
  write_bytes(folder / "grey.png", png());
  write_bytes(folder / "large.png", png(40));
  write_bytes(folder / "claims.png", png_claiming(900000));
  write_bytes(folder / "grey.jpg", jpeg(TJPF_GRAY, TJSAMP_GRAY));
  write_bytes(folder / "color.jpg", jpeg(TJPF_RGB, TJSAMP_420));
  write_bytes(folder / "inks.jpg", jpeg(TJPF_CMYK, TJSAMP_444));
}

void write_archives(const fs::path& folder) {
  fs::create_directories(folder);
  const Members flat = {{"1.png", png()}, {"2.png", png()}};
  const Members classes = {{"train/cat/1.png", png()}, {"test/dog/2.jpg", {1, 2}}, {"a.txt", {}}};
  for (const bool zip : {true, false}) {
    const char* const end = zip ? ".zip" : ".tgz";
    write_archive(folder / concat("flat", end), flat, zip);
    write_archive(folder / concat("classes", end), classes, zip);
  }
}

void write_arrays(const fs::path& folder) {
  for (const char* type : {"|u1", "<i4", "<f4", "<f8", "<f2", "|b1"}) {
    const std::string header =
        concat("{'descr': '", type, "', 'fortran_order': False, 'shape': (2, 3), }");
    write_bytes(folder / concat("array", type + 1),
                npy(header, static_cast<size_t>(6 * (type[2] - '0'))));
  }
}

void write_idx(const fs::path& folder) {
  const Bytes images = idx_file({2, 4, 4}, noise(32)), labels = idx_file({5}, {0, 1, 2, 3, 9});
  write_bytes(folder / "images", images);
  write_bytes(folder / "images.gz", gzip(images));
  write_bytes(folder / "labels", labels);
  write_bytes(folder / "labels.gz", gzip(labels));
}

// The target takes what follows an even byte as a whole file.
void write_tensors(const fs::path& folder) {
  fs::create_directories(folder);
  const HostTensor weights("g.dense1.weight", DType::kF32, {2, 1, 1, 3});
  const HostTensor updates("g.updates", DType::kI64, {1});
  const fs::path file = folder / "file";
  write_safetensors(file, {weights, updates}, {{"step", "1"}});
  const std::string bytes = read_file(file);
  write_text(folder / "whole", std::string(1, '\0') + bytes);
  write_text(folder / "without-length", "\1" + bytes.substr(0, 2) + bytes.substr(8));
  fs::remove(file);
}

}  // namespace
}  // namespace gantry::testing

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds DIR\n");
    return 2;
  }
  const std::filesystem::path to = argv[1];
  gantry::testing::write_images(to / "image_fuzz");
  gantry::testing::write_archives(to / "archive_fuzz");
  gantry::testing::write_arrays(to / "npy_fuzz");
  gantry::testing::write_idx(to / "idx_fuzz");
  gantry::testing::write_tensors(to / "safetensors_fuzz");
  return 0;
}
