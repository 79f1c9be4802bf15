// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>

#include "core/atomic_file.h"
#include "core/digest.h"
#include "tests/core/scratch_folder.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;
using testing::message_of;
using testing::ScratchFolder;

Checkpoint sample(uint64_t step, size_t floats = 200) {
  Checkpoint checkpoint;
  checkpoint.step = step;
  HostTensor weight("g.dense1.weight", DType::kF32, {static_cast<int64_t>(floats)});
  for (size_t i = 0; i < floats; ++i) {
    weight.as<float>()[i] = static_cast<float>(step) + 0.25f * static_cast<float>(i % 7);
  }
  HostTensor count("g.optimizer.step", DType::kI64, {});
  count.as<int64_t>()[0] = static_cast<int64_t>(step);
  checkpoint.tensors = {weight, count, HostTensor("d.empty", DType::kF32, {0})};
  checkpoint.meta = {{"config_sha256", sha256("config")}, {"threads", "2"}, {"isa", "avx512_core"}};
  return checkpoint;
}

bool same(const Checkpoint& a, const Checkpoint& b) {
  for (const HostTensor& tensor : a.tensors) {
    if (std::count(b.tensors.begin(), b.tensors.end(), tensor) != 1) return false;
  }
  return a.step == b.step && a.meta == b.meta && a.tensors.size() == b.tensors.size();
}

std::vector<std::string> names(const fs::path& folder) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    found.push_back(entry.path().filename().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

void damage(const fs::path& file, size_t at) {
  std::string bytes = read_file(file);
  bytes.at(at) = static_cast<char>(bytes[at] ^ 1);
  std::ofstream(file, std::ios::binary) << bytes;
}

class CheckpointTest : public ::testing::Test {
 protected:
  std::string log_text() const {
    std::string text(static_cast<size_t>(std::ftell(log_file_)), '\0');
    std::rewind(log_file_);
    EXPECT_EQ(std::fread(text.data(), 1, text.size(), log_file_), text.size());
    return text;
  }
  ~CheckpointTest() override { std::fclose(log_file_); }

  ScratchFolder scratch_;
  std::FILE* log_file_ = std::tmpfile();
  Log log_{log_file_};
  fs::path folder_ = scratch_ / "checkpoints";
  CheckpointStore store_{folder_, log_};
};

TEST_F(CheckpointTest, ComesBackExactly) {
  EXPECT_FALSE(store_.load_latest().has_value()) << "a run without checkpoints is no error";
  store_.save(sample(500), {});
  EXPECT_EQ(names(folder_), std::vector<std::string>{"step-00000500"});
  EXPECT_TRUE(same(*store_.load_latest(), sample(500)));
  EXPECT_EQ(store_.load_step(500).tensor("g.optimizer.step").as<int64_t>()[0], 500);
  message_of<CheckpointError>([&] { store_.load_step(500).tensor("g.none"); });
  message_of<CheckpointError>([&] { store_.load_step(501); });
}

TEST_F(CheckpointTest, SameStateGivesSameBytes) {
  const ScratchFolder other;
  CheckpointStore second(other.path(), log_);
  store_.save(sample(1), {});
  second.save(sample(1), {});
  for (const char* file : {"state.safetensors", "manifest.json"}) {
    EXPECT_EQ(read_file(store_.path_of(1) / file), read_file(second.path_of(1) / file));
  }
}

TEST_F(CheckpointTest, KeepsTheLastAndTheBest) {
  const Retention by_loss = {.last = 2, .metric = "loss"};
  const double losses[] = {3, 1, NAN, 2, 5, 4};
  for (uint64_t i = 0; i < 6; ++i) store_.save(sample(i * 10), by_loss, losses[i]);
  EXPECT_EQ(store_.steps(), (std::vector<uint64_t>{10, 40, 50}));
  EXPECT_EQ(store_.best_step(), 10u);
  EXPECT_EQ(store_.load_best()->step, 10u);
  const Retention by_score = {.last = 1, .metric = "score", .higher_is_better = true};
  store_.save(sample(60), by_score, 0.5);
  store_.save(sample(70), by_score, 0.9);
  store_.save(sample(80), by_score, 0.7);
  EXPECT_EQ(store_.steps(), (std::vector<uint64_t>{70, 80}));
}

TEST_F(CheckpointTest, SavingAStepAgainReplacesIt) {
  store_.save(sample(7), {});
  Checkpoint changed = sample(7);
  changed.meta["threads"] = "4";
  store_.save(changed, {});
  EXPECT_TRUE(same(store_.load_step(7), changed));
  EXPECT_EQ(names(folder_), std::vector<std::string>{"step-00000007"});
}

TEST_F(CheckpointTest, DamagedNewestIsNamedAndPassedOver) {
  store_.save(sample(100), {});
  store_.save(sample(200), {});
  store_.save(sample(300), {});
  damage(store_.path_of(300) / "state.safetensors", 400);
  fs::remove(store_.path_of(200) / "manifest.json");
  EXPECT_EQ(store_.load_latest()->step, 100u);
  const std::string text = log_text();
  EXPECT_NE(text.find("step-00000300 is unusable"), std::string::npos) << text;
  EXPECT_NE(text.find("step-00000200 is unusable"), std::string::npos) << text;
  EXPECT_NE(text.find("going on from the good checkpoint of step 100"), std::string::npos) << text;
  damage(store_.path_of(100) / "manifest.json", 10);
  const std::string message = message_of<CheckpointError>([&] { store_.load_latest(); });
  for (const char* step : {"step-00000100", "step-00000200", "step-00000300"}) {
    EXPECT_NE(message.find(step), std::string::npos) << message;
  }
}

TEST_F(CheckpointTest, LaterOnesAreSetAside) {
  const Retention retention = {.last = 9, .metric = "loss"};
  for (uint64_t step = 1; step <= 4; ++step) store_.save(sample(step), retention, 5.0 - step);
  store_.set_aside_after(2);
  EXPECT_EQ(store_.steps(), (std::vector<uint64_t>{1, 2}));
  EXPECT_FALSE(store_.best_step().has_value()) << "the best was of a step that is undone";
  EXPECT_TRUE(same(load_checkpoint(folder_ / "aside-step-00000004"), sample(4)));
  store_.save(sample(3), retention);
  store_.set_aside_after(2);
  EXPECT_EQ(store_.steps().back(), 2u);
}

TEST_F(CheckpointTest, LeftoversAreSwept) {
  store_.save(sample(1), {});
  fs::create_directories(temporary_beside(store_.path_of(2)));
  EXPECT_EQ(store_.steps(), std::vector<uint64_t>{1});
  store_.sweep();
  EXPECT_EQ(names(folder_), std::vector<std::string>{"step-00000001"});
}

TEST_F(CheckpointTest, EveryFlippedBitIsFound) {
  store_.save(sample(1), {});
  const fs::path folder = store_.path_of(1);
  for (const char* name : {"state.safetensors", "manifest.json"}) {
    const std::string good = read_file(folder / name);
    for (size_t at = 0; at < good.size(); at += 3) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
      std::ofstream(folder / name, std::ios::binary) << bad;
      EXPECT_THROW(load_checkpoint(folder), CheckpointError) << name << " byte " << at;
    }
    std::ofstream(folder / name, std::ios::binary) << good;
  }
  EXPECT_TRUE(same(load_checkpoint(folder), sample(1)));
}

TEST_F(CheckpointTest, EveryTruncationIsFound) {
  store_.save(sample(1), {});
  const fs::path folder = store_.path_of(1);
  for (const char* name : {"state.safetensors", "manifest.json"}) {
    const std::string good = read_file(folder / name);
    for (size_t length = 0; length < good.size(); length += 7) {
      std::ofstream(folder / name, std::ios::binary) << good.substr(0, length);
      EXPECT_THROW(load_checkpoint(folder), CheckpointError) << name << " cut to " << length;
    }
    std::ofstream(folder / name, std::ios::binary) << good << '\n';
    EXPECT_THROW(load_checkpoint(folder), CheckpointError) << name << " made longer";
    fs::remove(folder / name);
    EXPECT_THROW(load_checkpoint(folder), CheckpointError) << name << " removed";
    std::ofstream(folder / name, std::ios::binary) << good;
  }
}

// Writes a manifest whose own digest is right, as somebody who knows the format could.
void forge_manifest(const fs::path& file, const std::string& body) {
  const std::string start = "{\"manifest_sha256\":\"";
  std::string text = start + std::string(64, '0') + "\",\n" + body;
  text.replace(start.size(), 64, sha256(text));
  std::ofstream(file, std::ios::binary) << text;
}

TEST_F(CheckpointTest, ForgedManifestsAreRefused) {
  store_.save(sample(1), {});
  const fs::path folder = store_.path_of(1), file = folder / "manifest.json";
  const std::string state = read_file(folder / "state.safetensors");
  const std::string good_state = "\"state\":{\"bytes\":" + std::to_string(state.size()) +
                                 ",\"sha256\":\"" + sha256(state) + "\"}";
  const std::string start = "\"format\":\"gantry-checkpoint-1\",\"step\":1,\"meta\":{},";
  const std::string bodies[] = {
      "}",
      "\"format\":\"gantry-checkpoint-2\"}",
      "\"format\":7}",
      "\"format\":\"gantry-checkpoint-1\",\"step\":-1}",
      "\"format\":\"gantry-checkpoint-1\",\"step\":\"1\"}",
      start + good_state + "}",
      start + good_state + ",\"tensors\":[]}",
      start + good_state + ",\"tensors\":{}}",
      start + good_state + ",\"tensors\":{\"a\":\"\",\"b\":\"\",\"c\":\"\"}}",
      start + "\"state\":[],\"tensors\":{}}",
      start + "\"x\":" + std::string(100'000, '['),
      "",
      std::string("\0", 1),
  };
  for (const std::string& body : bodies) {
    forge_manifest(file, body);
    const std::string message = message_of<CheckpointError>([&] { load_checkpoint(folder); });
    EXPECT_EQ(message.find(folder.string()), 0u) << message;
  }
}

TEST_F(CheckpointTest, RenamedFolderIsRefused) {
  store_.save(sample(1), {});
  fs::rename(store_.path_of(1), store_.path_of(9));
  message_of<CheckpointError>([&] { store_.load_latest(); });
}

TEST_F(CheckpointTest, AnotherNetworkIsShownAsATable) {
  const Checkpoint found = sample(1);
  std::vector<TensorInfo> expected(found.tensors.begin(), found.tensors.end());
  EXPECT_NO_THROW(require_same_tensors(expected, found, "step-1"));
  expected[0].shape = {20, 10};
  expected[2].name = "d.bias";
  EXPECT_EQ(message_of<CheckpointError>([&] { require_same_tensors(expected, found, "step-1"); }),
            "step-1 is of another network or optimizer:\n"
            "tensor           expected      checkpoint\n"
            "d.bias           F32 [0]       -\n"
            "d.empty          -             F32 [0]\n"
            "g.dense1.weight  F32 [20, 10]  F32 [200]\n");
}

// Runs `body` in a child process; its return value, or -1 when it was killed.
template <typename Body>
int in_child(const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(CheckpointTest, SaveThatDoesNotFitLeavesTheLastGoodOne) {
  store_.save(sample(1), {});
  const int code = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {8192, 8192};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      store_.save(sample(2, 100'000), {.last = 1});
    } catch (const Error& error) {
      return static_cast<int>(error.code());
    }
    return 0;
  });
  EXPECT_EQ(code, static_cast<int>(ExitCode::kIo));
  EXPECT_EQ(names(folder_), std::vector<std::string>{"step-00000001"});
  EXPECT_TRUE(same(*store_.load_latest(), sample(1)));
}

TEST_F(CheckpointTest, FullDiskLeavesTheLastGoodOne) {
  const fs::path disk = scratch_ / "disk";
  fs::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "mounting a small file system is not permitted here";
  }
  CheckpointStore store(disk / "checkpoints", log_);
  store.save(sample(1), {});
  const std::string message =
      message_of<IoError>([&] { store.save(sample(2, 1'000'000), {.last = 1}); });
  EXPECT_NE(message.find("The disk is full"), std::string::npos) << message;
  EXPECT_EQ(store.steps(), std::vector<uint64_t>{1});
  EXPECT_TRUE(same(*store.load_latest(), sample(1)));
  EXPECT_NO_THROW(store.save(sample(3), {})) << "the room of the failed save is free again";
  EXPECT_EQ(::umount(disk.c_str()), 0);
}

TEST_F(CheckpointTest, PathUnderAFileIsAnIoError) {
  std::ofstream(scratch_ / "file") << "x";
  CheckpointStore store(scratch_ / "file/checkpoints", log_);
  message_of<IoError>([&] { store.save(sample(1), {}); });
}

}  // namespace
}  // namespace gantry
