// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "core/atomic_file.h"
#include "core/philox.h"
#include "core/progress.h"
#include "tests/core/scratch_folder.h"
#include "train/checkpoint.h"
#include "train/metrics_log.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;

const Retention kRetention = {.last = 2};
constexpr size_t kFloats = 20'000;

Checkpoint state_of(uint64_t step) {
  Checkpoint checkpoint;
  checkpoint.step = step;
  for (const char* name : {"d.weight", "g.weight"}) {
    HostTensor tensor(name, DType::kF32, {kFloats});
    for (size_t i = 0; i < kFloats; ++i) tensor.as<float>()[i] = static_cast<float>(step + i % 3);
    checkpoint.tensors.push_back(tensor);
  }
  return checkpoint;
}

MetricsRow row_of(uint64_t step, double time) {
  return {step, {{"loss", 1.0 / static_cast<double>(step)}}, {{"wall_s", time}}};
}

// What the training process tells the test, through shared memory.
struct Told {
  std::atomic<uint64_t> saved{0};    // newest step whose save has returned
  std::atomic<uint64_t> begun{0};    // saves begun by this process
  std::atomic<uint32_t> save_us{0};  // how long the last took
};

// What a training process does: go on from the newest checkpoint, then for ever measure and save.
void train(const fs::path& folder, Log& log, Told& told, int round) {
  CheckpointStore store(folder / "checkpoints", log);
  store.sweep();
  const std::optional<Checkpoint> start = store.load_latest();
  uint64_t step = start ? start->step : 0;
  store.set_aside_after(step);
  MetricsLog metrics(folder / "metrics.jsonl", step, log);
  for (;;) {
    ++step;
    metrics.write(row_of(step, round));
    metrics.sync();
    const Checkpoint state = state_of(step);
    const double start_s = Progress::steady_seconds();
    ++told.begun;
    store.save(state, kRetention, 1.0 / static_cast<double>(step));
    told.save_us = static_cast<uint32_t>((Progress::steady_seconds() - start_s) * 1e6);
    told.saved = step;
  }
}

// Waits until the child is in the midst of its first, second or third save, or between two.
void wait_for_a_bad_moment(const Told& told, uint32_t draw) {
  while (told.begun < 1 + draw % 3) ::usleep(50);
  ::usleep(static_cast<useconds_t>(draw / 3 % (std::max<uint32_t>(told.save_us, 1000) * 5 / 4)));
}

void require_all_whole(CheckpointStore& store) {
  for (const uint64_t step : store.steps()) {
    const Checkpoint found = store.load_step(step);
    const Checkpoint expected = state_of(step);
    ASSERT_EQ(found.tensors.size(), expected.tensors.size());
    for (const HostTensor& tensor : expected.tensors) {
      ASSERT_EQ(found.tensor(tensor.name), tensor) << "step " << step;
    }
  }
}

// SIGKILL at random moments, in the midst of saves: every checkpoint that has its name is whole,
// none that was reported saved is lost, and the metrics go on without a gap.
TEST(CheckpointKill, AlwaysLeavesACompleteCheckpoint) {
  const int kills = std::getenv("GANTRY_LONG_TESTS") ? 400 : 40;
  const testing::ScratchFolder scratch;
  void* shared = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  Told& told = *new (shared) Told;
  Log log(stderr, {.level = LogLevel::kError});
  CheckpointStore store(scratch / "checkpoints", log);
  const RandomKey key = random_key(20, Purpose::kShuffle);
  int cut_short = 0;
  for (int round = 0; round < kills; ++round) {
    told.begun = 0;
    const pid_t child = ::fork();
    if (child == 0) {
      train(scratch.path(), log, told, round);
      ::_exit(1);
    }
    wait_for_a_bad_moment(told, random_block(key, 0, 0, static_cast<uint32_t>(round)).v[0]);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << status;
    for (const auto& entry : fs::directory_iterator(scratch.path() / "checkpoints")) {
      cut_short += entry.path().filename().string().ends_with(".tmp");
    }
    require_all_whole(store);
    const std::optional<Checkpoint> latest = store.load_latest();
    ASSERT_GE(latest ? latest->step : 0, told.saved.load())
        << "a checkpoint that was saved is lost";
    ASSERT_LE(latest ? latest->step : 0, told.saved.load() + 1);
    if (latest) told.saved = latest->step;
  }
  const uint64_t last = store.load_latest().value().step;
  const MetricsLog cut(scratch / "metrics.jsonl", last, log);
  std::string expected;
  for (uint64_t step = 1; step <= last; ++step)
    expected += to_json_line({step, row_of(step, 0).values, {}});
  EXPECT_EQ(without_times(read_file(scratch / "metrics.jsonl")), expected);
  EXPECT_GT(last, static_cast<uint64_t>(kills) / 4) << "too few saves to mean anything";
  EXPECT_GT(cut_short, kills / 20) << "too few kills hit a save to mean anything";
  std::printf("%d kills, %llu checkpoints saved, %d saves cut short\n", kills,
              static_cast<unsigned long long>(last), cut_short);
  ::munmap(shared, 4096);
}

}  // namespace
}  // namespace gantry
