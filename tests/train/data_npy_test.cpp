// SPDX-License-Identifier: Apache-2.0
#include <archive.h>
#include <archive_entry.h>

#include <limits>

#include "core/error.h"
#include "tests/train/data_fixture.h"

namespace gantry {
namespace {

using testing::message_of;
using testing::read_samples;
using testing::ScratchFolder;
using Bytes = std::vector<uint8_t>;

template <typename T>
Bytes npy(const std::string& type, const std::string& shape, const std::vector<T>& values) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  while ((header.size() + 11) % 64 != 0) header += ' ';
  header += '\n';
  std::string text("\x93NUMPY\1\0", 8);
  text += static_cast<char>(header.size());
  text += static_cast<char>(header.size() >> 8);
  text += header;
  text.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return Bytes(text.begin(), text.end());
}

std::vector<float> counted(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i);
  return values;
}

DataConfig config_of(const std::filesystem::path& path) {
  DataConfig config;
  config.source = DataSourceKind::kNpy;
  config.path = path;
  config.shuffle = false;
  config.range = {0, 255};
  return config;
}

TEST(Npy, FloatsAreTakenAsTheyAre) {
  const ScratchFolder folder;
  testing::write_bytes(folder / "x.npy", npy<float>("<f4", "(2, 3)", {1, -2, 3, 4, 5, 6}));
  DataConfig config = config_of(folder / "x.npy");
  const auto vectors = open_data(config, 1);
  EXPECT_EQ(vectors->info().sample, (Shape{1, 3, 1, 1}));
  EXPECT_EQ(read_samples(*vectors, 0, 2).images, (std::vector<float>{1, -2, 3, 4, 5, 6}));
  config.value_range = {-2, 6};
  config.range = {-1, 1};
  EXPECT_EQ(read_samples(*open_data(config, 1), 0, 1).images,
            (std::vector<float>{-0.25, -1, 0.25}));
}

TEST(Npy, LayoutsBecomeNhwc) {
  const ScratchFolder folder;
  const std::vector<float> values = counted(2 * 3 * 2 * 2);
  testing::write_bytes(folder / "x.npy", npy<float>("<f4", "(2, 3, 2, 2)", values));
  DataConfig config = config_of(folder / "x.npy");
  const auto nhwc = open_data(config, 1);
  EXPECT_EQ(nhwc->info().sample, (Shape{1, 2, 3, 2}));
  EXPECT_EQ(read_samples(*nhwc, 0, 2).images, values);
  config.layout = ArrayLayout::kNchw;
  const auto nchw = open_data(config, 1);
  EXPECT_EQ(nchw->info().sample, (Shape{1, 3, 2, 2}));
  EXPECT_EQ(read_samples(*nchw, 0, 1).images,
            (std::vector<float>{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
}

TEST(Npy, BytesAreImages) {
  const ScratchFolder folder;
  const Bytes values = testing::noise(2 * 4 * 4);
  testing::write_bytes(folder / "x.npy", npy<uint8_t>("|u1", "(2, 4, 4)", values));
  testing::write_bytes(folder / "y.npy", npy<int64_t>("<i8", "(2,)", {4, 0}));
  DataConfig config = config_of(folder / "x.npy");
  config.labels = folder / "y.npy";
  const auto source = open_data(config, 1);
  EXPECT_EQ(source->info().classes, 5);
  EXPECT_EQ(read_samples(*source, 0, 2).images, std::vector<float>(values.begin(), values.end()));
  EXPECT_EQ(read_samples(*source, 0, 2).labels, (std::vector<float>{4, 0}));
  config.size = {2, 2};
  config.channels = 3;
  EXPECT_EQ(open_data(config, 1)->info().sample, (Shape{1, 3, 2, 2}));
}

TEST(Npy, ArchivesHoldArraysByName) {
  const ScratchFolder folder;
  archive* writer = archive_write_new();
  archive_write_set_format_zip(writer);
  archive_write_open_filename(writer, (folder / "x.npz").c_str());
  const auto add = [writer](const char* name, const Bytes& bytes) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_write_header(writer, entry);
    archive_write_data(writer, bytes.data(), bytes.size());
    archive_entry_free(entry);
  };
  add("x.npy", npy<double>("<f8", "(3, 1)", {1, 2, 3}));
  add("y.npy", npy<int32_t>("<i4", "(3,)", {0, 1, 1}));
  archive_write_close(writer);
  archive_write_free(writer);
  DataConfig config = config_of(folder / "x.npz");
  EXPECT_NE(message_of<DataError>([&] { open_data(config, 1); }).find("data.array"),
            std::string::npos);
  config.labels = "y";
  const auto source = open_data(config, 1);
  EXPECT_EQ(read_samples(*source, 0, 3).images, (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(read_samples(*source, 0, 3).labels, (std::vector<float>{0, 1, 1}));
  config.array = "z";
  EXPECT_NE(message_of<DataError>([&] { open_data(config, 1); }).find("found x, y"),
            std::string::npos);
}

TEST(Npy, ValuesAndLabelsAreChecked) {
  const ScratchFolder folder;
  const float bad = std::numeric_limits<float>::quiet_NaN();
  testing::write_bytes(folder / "nan.npy", npy<float>("<f4", "(3, 2)", {1, 2, 3, bad, 5, 6}));
  EXPECT_NE(
      message_of<DataError>([&] { open_data(config_of(folder / "nan.npy"), 1); }).find("sample 1"),
      std::string::npos);
  testing::write_bytes(folder / "x.npy", npy<float>("<f4", "(2, 2)", {1, 2, 3, 4}));
  for (const auto& labels :
       {npy<int64_t>("<i8", "(3,)", {0, 1, 0}), npy<int64_t>("<i8", "(2,)", {0, -1}),
        npy<float>("<f4", "(2,)", {0, 1})}) {
    testing::write_bytes(folder / "y.npy", labels);
    DataConfig config = config_of(folder / "x.npy");
    config.labels = folder / "y.npy";
    message_of<DataError>([&] { open_data(config, 1); });
  }
}

}  // namespace
}  // namespace gantry
