// SPDX-License-Identifier: Apache-2.0
// What is left out, bounded or refused of files that are as they should be.
#include <chrono>

#include "tests/train/damaged_files.h"
#include "tests/train/data_fixture.h"

namespace gantry {
namespace {

using testing::cut;
using testing::idx_file;
using testing::message_of;
using testing::noise;
using testing::png;
using testing::ScratchFolder;
using testing::write_archive;
using testing::write_bytes;
using testing::write_text;
using Kind = DataSourceKind;

TEST(BadImages, AreSkippedUpToALimit) {
  const ScratchFolder folder;
  for (const char* name : {"set/a/1.png", "set/a/3.png", "set/b/1.png"}) {
    write_bytes(folder / name, png());
  }
  write_bytes(folder / "set/a/2.png", cut(png(), 40));
  write_text(folder / "set/b/2.jpg", "<html>");
  DataConfig config;
  config.source = Kind::kImages;
  config.path = folder / "set";
  config.on_bad = BadImage::kSkip;
  EXPECT_EQ(open_data(config, 1)->info().count, 3);
  config.max_bad = 1;
  EXPECT_NE(message_of<DataError>([&] { open_data(config, 1); }).find("max_bad"),
            std::string::npos);
}

TEST(BadImages, SymbolicLinkLoopsEnd) {
  const ScratchFolder folder;
  write_bytes(folder / "set/a/1.png", png());
  write_bytes(folder / "elsewhere/2.png", png());
  std::filesystem::create_directory_symlink(folder / "set", folder / "set/a/loop");
  std::filesystem::create_directory_symlink(folder / "elsewhere", folder / "set/b");
  DataConfig config;
  config.source = Kind::kImages;
  config.path = folder / "set";
  const auto source = open_data(config, 1);
  EXPECT_EQ(source->info().count, 2);
  EXPECT_EQ(source->info().class_names, (std::vector<std::string>{"a", "b"}));
}

TEST(BadImages, NamesThatClimbOutAreJustNames) {
  const ScratchFolder folder;
  std::filesystem::create_directories(folder / "in");
  write_archive(folder / "in/x.zip", {{"../../a/1.png", png()}, {"/etc/b/2.png", png()}}, true);
  DataConfig config;
  config.source = Kind::kImages;
  config.path = folder / "in/x.zip";
  EXPECT_EQ(open_data(config, 1)->info().count, 2);
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));
}

TEST(Memory, SetsBeyondTheBoundAreRefused) {
  DataConfig config;
  config.source = Kind::kGlyphs;
  config.memory_mb = 1;
  config.samples = 1400;  // 1.05 MB
  EXPECT_NE(message_of<MemoryError>([&] { open_data(config, 1); }).find("memory_mb"),
            std::string::npos);
}

// The bound is looked at before anything is drawn or resized: this set would take hours.
TEST(Memory, SetsBeyondTheBoundAreRefusedBeforeTheyAreMade) {
  const ScratchFolder folder;
  write_bytes(folder / "idx", idx_file({300, 4, 4}, noise(4800)));
  write_bytes(folder / "images/a.png", png());
  write_bytes(folder / "images/b.png", png());
  DataConfig config;
  config.size = {16384, 16384};
  config.memory_mb = 500;
  const auto refusal = [&](Kind source, const std::string& path) {
    config.source = source;
    config.path = path;
    const auto before = std::chrono::steady_clock::now();
    const std::string message = message_of<MemoryError>([&] { open_data(config, 1); });
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1)) << path;
    return message;
  };
  EXPECT_EQ(refusal(Kind::kGlyphs, ""),
            "glyphs: 10000 samples of 1x16384x16384 (channels x height x width) take 2560000 MB, "
            "but data.memory_mb = 500; raise it, or choose a smaller data.size or fewer "
            "data.samples");
  EXPECT_NE(refusal(Kind::kIdx, folder / "idx").find("300 samples of 1x16384x16384"),
            std::string::npos);
  EXPECT_NE(refusal(Kind::kImages, folder / "images").find("take 512 MB"), std::string::npos);
  config.size = {0, 0};
  config.memory_mb = 1;
  config.samples = 1 << 20;
  EXPECT_NE(refusal(Kind::kRing, "").find("take 13 MB"), std::string::npos);
}

TEST(Memory, OfAnIdxFileIsToldExactly) {
  const ScratchFolder folder;
  write_bytes(folder / "idx", idx_file({1 << 15, 8, 8}, noise(1 << 21)));
  DataConfig config;
  config.source = Kind::kIdx;
  config.path = folder / "idx";
  config.memory_mb = 1;
  EXPECT_EQ(message_of<DataError>([&] { open_data(config, 1); }),
            config.path +
                ": the header promises 32768 x 8 x 8 bytes, 2 MB, but data.memory_mb = 1; "
                "raise it if that is meant");
}

TEST(Selection, WhatIsNotThereIsAConfigError) {
  DataConfig config;
  config.source = Kind::kGlyphs;
  config.samples = 20;
  const auto with = [&](auto change) {
    DataConfig changed = config;
    change(changed);
    return message_of<ConfigError>([&] { open_data(changed, 1); });
  };
  EXPECT_NE(with([](DataConfig& c) { c.classes = {12}; }).find("class 12"), std::string::npos);
  EXPECT_NE(with([](DataConfig& c) { c.classes = {1, 1}; }).find("twice"), std::string::npos);
  EXPECT_NE(with([](DataConfig& c) { c.subset = 21; }).find("20 samples"), std::string::npos);
  EXPECT_NE(with([](DataConfig& c) { c.skip = 20; }).find("20 samples"), std::string::npos);
  EXPECT_NE(with([](DataConfig& c) {
              c.augment.random_crop = {29, 0};
            }).find("29 x 28"),
            std::string::npos);
  EXPECT_NE(with([](DataConfig& c) { c.augment.shift = 28; }).find("shift"), std::string::npos);
  EXPECT_NE(with([](DataConfig& c) {
              c.center_crop = {29, 29};
            }).find("center_crop"),
            std::string::npos);
}

}  // namespace
}  // namespace gantry
