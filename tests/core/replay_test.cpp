// SPDX-License-Identifier: Apache-2.0
#include "core/replay.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/core/host_device.h"
#include "tests/malloc_count.h"
#include "tests/poison_watcher.h"

namespace gantry {
namespace {

// y = sum of the inputs + 1, through scratch when it has some. The first argument is the output.
class SumPlusOne : public Kernel {
 public:
  explicit SumPlusOne(size_t scratch_bytes = 0) : scratch_bytes_(scratch_bytes) {}
  size_t scratch_bytes() const override { return scratch_bytes_; }
  void run(Stream&, std::span<const TensorView> args, void* scratch) const override {
    float* y = args[0].as<float>();
    float* at = scratch_bytes_ ? static_cast<float*>(scratch) : y;
    for (int64_t k = 0; k < args[0].shape.elements(); ++k) {
      float sum = 1;
      for (const TensorView& x : args.subspan(1)) sum += x.as<float>()[k];
      at[k] = sum;
    }
    for (int64_t k = 0; k < args[0].shape.elements(); ++k) y[k] = at[k];
  }

 private:
  size_t scratch_bytes_;
};

// A chain of calls, each reading the two results before it: many short lives in a small arena.
struct Chain {
  test::HostDevice device;
  std::unique_ptr<Stream> stream = device.make_stream();
  std::vector<float> in = {1, 2, 3, 4}, result = std::vector<float>(4);
  TensorRef last;

  Program record(int length) {
    Program program;
    const Shape shape = vector_shape(4);
    TensorRef before = program.external("in", {in.data(), shape, DType::kF32}), now = before;
    for (int i = 0; i < length; ++i) {
      const TensorRef next = program.temp(concat("t", i), shape);
      const auto kernel = std::make_shared<SumPlusOne>(i % 3 == 0 ? 16 : 0);
      program.call(concat("call", i), kernel, {next}, {now, before});
      before = now;
      now = next;
    }
    last = now;
    program.call("out", std::make_shared<SumPlusOne>(),
                 {program.external("result", {result.data(), shape, DType::kF32})}, {now});
    return program;
  }
  Replay make(int length, std::shared_ptr<Memory>* arena = nullptr) {
    Program program = record(length);
    MemoryPlan plan = plan_memory(program);
    auto memory = std::make_shared<Memory>(device, plan.arena_bytes);
    if (arena) *arena = memory;
    return Replay(std::move(program), std::move(plan), memory);
  }
};

// t_i = t_{i-1} + t_{i-2} + 1 from x, x.
float expected(float x, int length) {
  float before = x, now = x;
  for (int i = 0; i < length; ++i) {
    const float next = now + before + 1;
    before = now;
    now = next;
  }
  return now + 1;
}

TEST(Replay, ComputesWhatWasRecorded) {
  Chain chain;
  const Replay replay = chain.make(12);
  for (int run = 0; run < 2; ++run) {
    replay.run(*chain.stream);
    for (size_t k = 0; k < 4; ++k) EXPECT_EQ(chain.result[k], expected(chain.in[k], 12));
    for (float& x : chain.in) x += 10;  // inputs are read anew in every run
  }
  EXPECT_LT(replay.plan().arena_bytes, 12 * kArenaAlignment);
}

// Takes work down by running it when asked, as a graph does.
class RecordingStream : public Stream {
 public:
  void synchronize() override {}
  std::unique_ptr<Recording> record(const std::function<void()>& queue_work) override {
    ++records;
    return std::make_unique<Taken>(*this, queue_work);
  }
  int records = 0, launches = 0;

 private:
  class Taken : public Recording {
   public:
    Taken(RecordingStream& stream, std::function<void()> work)
        : stream_(stream), work_(std::move(work)) {}
    void run() const override {
      ++stream_.launches;
      work_();
    }

   private:
    RecordingStream& stream_;
    std::function<void()> work_;
  };
};

TEST(Replay, IsRecordedAfterItsFirstRun) {
  Chain chain;
  RecordingStream stream, other;
  const Replay replay = chain.make(7);
  for (int run = 0; run < 4; ++run) {
    replay.run(stream);
    EXPECT_EQ(stream.records, run > 0 ? 1 : 0);
    EXPECT_EQ(stream.launches, run);
    for (size_t k = 0; k < 4; ++k) EXPECT_EQ(chain.result[k], expected(chain.in[k], 7));
    for (float& x : chain.in) x += 10;
  }
  replay.run(other);  // which another stream's recording does not serve
  EXPECT_EQ(other.records + other.launches, 0);
  EXPECT_EQ(stream.launches, 3);
  for (size_t k = 0; k < 4; ++k) EXPECT_EQ(chain.result[k], expected(chain.in[k], 7));
}

TEST(Replay, AllocatesNothing) {
  if (!MallocCount::supported()) GTEST_SKIP() << "a sanitizer owns malloc";
  Chain chain;
  const Replay replay = chain.make(50);
  const MallocCount allocations;
  replay.run(*chain.stream);
  const int64_t count = allocations.count();
  EXPECT_EQ(count, 0);
}

TEST(Replay, CountsAllocationsAtAll) {
  if (!MallocCount::supported()) GTEST_SKIP() << "a sanitizer owns malloc";
  const MallocCount allocations;
  const auto one = std::make_unique<std::vector<int>>(100);
  EXPECT_EQ(allocations.count(), 2);
}

TEST(Replay, GivesAlignedAddressesInTheArena) {
  Chain chain;
  std::shared_ptr<Memory> arena;
  const Replay replay = chain.make(5, &arena);
  const TensorView view = replay.view(chain.last);
  const auto offset =
      reinterpret_cast<uintptr_t>(view.data) - reinterpret_cast<uintptr_t>(arena->data());
  EXPECT_LT(offset, arena->bytes());
  EXPECT_EQ(offset % kArenaAlignment, 0u);
  EXPECT_EQ(static_cast<float*>(replay.view(chain.last.samples(0, 1)).data), view.as<float>());
}

TEST(Replay, RefusesASmallArenaAndUnusedBuffers) {
  Chain chain;
  Program program = chain.record(5);
  const TensorRef unused = program.temp("unused", vector_shape(4));
  const MemoryPlan plan = plan_memory(program);
  const auto small = std::make_shared<Memory>(chain.device, plan.arena_bytes - 1);
  EXPECT_THROW(Replay(program, plan, small), std::logic_error);
  EXPECT_THROW(Replay(program, plan, nullptr), std::logic_error);
  const Replay replay(program, plan, std::make_shared<Memory>(chain.device, plan.arena_bytes));
  EXPECT_THROW(replay.view(unused), std::logic_error);
}

TEST(Replay, BuffersMayLieApart) {
  Chain chain;
  Program program = chain.record(12);
  const MemoryPlan plan = plan_memory(program);
  EXPECT_GT(plan.apart_bytes, plan.arena_bytes);
  const TensorRef unused = program.temp("unused", vector_shape(4));
  const Replay replay(program, plan_memory(program), chain.device);
  EXPECT_EQ(chain.device.live_allocations(), 12 + 4);  // every third call has scratch
  replay.run(*chain.stream);
  for (size_t k = 0; k < 4; ++k) EXPECT_EQ(chain.result[k], expected(chain.in[k], 12));
  EXPECT_THROW(replay.view(unused), std::logic_error);
  EXPECT_THROW(replay.arena(), std::logic_error);
}

TEST(Replay, ProgramsShareAnArena) {
  Chain first, second;
  Program a = first.record(3), b = second.record(20);
  const MemoryPlan plan_a = plan_memory(a), plan_b = plan_memory(b);
  const auto arena =
      std::make_shared<Memory>(first.device, std::max(plan_a.arena_bytes, plan_b.arena_bytes));
  const Replay replay_a(a, plan_a, arena), replay_b(b, plan_b, arena);
  replay_a.run(*first.stream);
  replay_b.run(*first.stream);
  EXPECT_EQ(first.result[0], expected(1, 3));
  EXPECT_EQ(second.result[0], expected(1, 20));
}

TEST(Replay, TellsTheWatcherOfEveryCall) {
  class Recorder : public ReplayWatcher {
   public:
    void before(size_t index, const Call& call, std::span<const TensorView> args) override {
      EXPECT_EQ(index, seen);
      EXPECT_EQ(args.size(), call.args.size());
      names += call.name + " ";
    }
    void after(size_t index, const Call&, std::span<const TensorView>) override {
      EXPECT_EQ(index, seen++);
    }
    size_t seen = 0;
    std::string names;
  };
  Chain chain;
  const Replay replay = chain.make(3);
  Recorder recorder;
  replay.run(*chain.stream, recorder);
  EXPECT_EQ(recorder.names, "call0 call1 call2 out ");
  EXPECT_EQ(recorder.seen, 4u);
}

TEST(Replay, ReadsNoStaleMemory) {
  Chain chain;
  std::shared_ptr<Memory> arena;
  const Replay replay = chain.make(30, &arena);
  PoisonWatcher poison(replay, *arena);
  replay.run(*chain.stream, poison);
  for (size_t k = 0; k < 4; ++k) EXPECT_EQ(chain.result[k], expected(chain.in[k], 30));
}

// A plan that frees a buffer one call too early is what the poison is there to find.
TEST(Replay, PoisonFindsALifeCutShort) {
  Chain chain;
  Program program = chain.record(30);
  MemoryPlan plan = plan_memory(program);
  plan.lifetimes[5].last -= 1;
  const auto arena = std::make_shared<Memory>(chain.device, plan.arena_bytes);
  const Replay replay(std::move(program), std::move(plan), arena);
  PoisonWatcher poison(replay, *arena);
  replay.run(*chain.stream, poison);
  EXPECT_TRUE(std::isnan(chain.result[0]));
}

}  // namespace
}  // namespace gantry
