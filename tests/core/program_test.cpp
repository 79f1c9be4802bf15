// SPDX-License-Identifier: Apache-2.0
#include "core/program.h"

#include <gtest/gtest.h>

#include "core/planner.h"

namespace gantry {
namespace {

class Nothing : public Kernel {
 public:
  explicit Nothing(size_t scratch = 0) : scratch_(scratch) { set_flops(10); }
  void run(Stream&, std::span<const TensorView>, void*) const override {}
  size_t scratch_bytes() const override { return scratch_; }

 private:
  size_t scratch_;
};

KernelPtr nothing(size_t scratch = 0) { return std::make_shared<Nothing>(scratch); }

const Shape kShape{4, 3, 2, 1};

TEST(Program, RefusesWhatNothingHasWritten) {
  Program program;
  const TensorRef x = program.temp("x", kShape), y = program.temp("y", kShape);
  EXPECT_THROW(program.call("read", nothing(), {y}, {x}), std::logic_error);
  EXPECT_THROW(program.call("update", nothing(), {y}, {}, {x}), std::logic_error);
  program.call("write", nothing(), {x}, {});
  program.call("read", nothing(), {y}, {x});
  // A refused call leaves nothing behind.
  EXPECT_EQ(program.calls().size(), 2u);
}

TEST(Program, RefusesMisuse) {
  Program program;
  EXPECT_THROW(program.temp("empty", {0, 1, 1, 1}), std::logic_error);
  EXPECT_THROW(program.external("nowhere", {nullptr, kShape, DType::kF32}), std::logic_error);
  const TensorRef x = program.temp("x", kShape);
  EXPECT_THROW(program.call("no kernel", nullptr, {x}, {}), std::logic_error);
  EXPECT_THROW(program.call("no argument", nothing(), {TensorRef{}}, {}), std::logic_error);
  TensorRef outside = x;
  outside.offset = 4;
  EXPECT_THROW(program.call("outside", nothing(), {outside}, {}), std::logic_error);
  EXPECT_THROW(x.reshaped({1, 23, 1, 1}), std::logic_error);
  EXPECT_THROW(x.samples(3, 2), std::logic_error);
  EXPECT_THROW(x.samples(-1, 2), std::logic_error);
  EXPECT_THROW(x.samples(0, 0), std::logic_error);
}

TEST(Program, RefsAreRangesOfTheirBuffer) {
  Program program;
  const TensorRef x = program.temp("x", kShape, DType::kF64);
  const TensorRef half = x.samples(2, 2);
  EXPECT_EQ(half.offset, 2u * 6 * 8);
  EXPECT_EQ(half.shape, (Shape{2, 3, 2, 1}));
  EXPECT_EQ(half.buffer, x.buffer);
  EXPECT_EQ(x.reshaped({1, 24, 1, 1}).bytes(), x.bytes());
  EXPECT_FALSE(TensorRef{});
}

TEST(Program, ExternalPartsBelongToTheWhole) {
  Program program;
  float flat[10] = {}, other[2] = {};
  const TensorRef whole = program.external("params", {flat, vector_shape(10), DType::kF32});
  const TensorRef part = program.external("bias", {flat + 4, vector_shape(3), DType::kF32});
  const TensorRef apart = program.external("other", {other, vector_shape(2), DType::kF32});
  EXPECT_EQ(part.buffer, whole.buffer);
  EXPECT_EQ(part.offset, 16u);
  EXPECT_NE(apart.buffer, whole.buffer);
  EXPECT_EQ(program.buffers().size(), 2u);
}

TEST(Program, CallsKnowTheirArguments) {
  Program program;
  const TensorRef x = program.temp("x", kShape), y = program.temp("y", kShape);
  program.call("first", nothing(), {x}, {});
  {
    Program::Scope outer(program, "d");
    Program::Scope inner(program, "conv1");
    program.call("forward", nothing(), {y}, {x}, {x});
    EXPECT_EQ(program.prefix(), "d.conv1.");
  }
  const Call& call = program.calls()[1];
  EXPECT_EQ(call.name, "d.conv1.forward");
  EXPECT_EQ(program.prefix(), "");
  ASSERT_EQ(call.args.size(), 3u);  // output, in-out, input
  EXPECT_TRUE(call.writes(0) && !call.reads(0));
  EXPECT_TRUE(call.writes(1) && call.reads(1));
  EXPECT_TRUE(!call.writes(2) && call.reads(2));
  EXPECT_EQ(call.bytes(), 4.0 * static_cast<double>(x.bytes()));
  EXPECT_EQ(program.flops(), 20);
}

TEST(Program, LifetimesFollowFromTheCalls) {
  Program program;
  float outside[24] = {};
  const TensorRef in = program.external("in", {outside, kShape, DType::kF32});
  const TensorRef a = program.temp("a", kShape), b = program.temp("b", kShape);
  const TensorRef c = program.temp("c", kShape), unused = program.temp("unused", kShape);
  program.call("0", nothing(), {a}, {in});
  program.call("1", nothing(1000), {b}, {a});
  program.call("2", nothing(), {c}, {b});
  program.call("3", nothing(), {in}, {a.samples(0, 1), c});
  const MemoryPlan plan = plan_memory(program);
  const auto expect_life = [&](const TensorRef& ref, uint32_t first, uint32_t last) {
    EXPECT_EQ(plan.lifetimes[ref.buffer].first, first);
    EXPECT_EQ(plan.lifetimes[ref.buffer].last, last);
    EXPECT_NE(plan.buffer_offsets[ref.buffer], MemoryPlan::kUnplaced);
  };
  expect_life(a, 0, 3);
  expect_life(b, 1, 2);
  expect_life(c, 2, 3);
  EXPECT_EQ(plan.buffer_offsets[in.buffer], MemoryPlan::kUnplaced);
  EXPECT_EQ(plan.buffer_offsets[unused.buffer], MemoryPlan::kUnplaced);
  EXPECT_EQ(plan.scratch_offsets[0], MemoryPlan::kUnplaced);
  EXPECT_NE(plan.scratch_offsets[1], MemoryPlan::kUnplaced);
  EXPECT_EQ(plan.external_bytes, sizeof outside);
  EXPECT_EQ(plan.lower_bound, 2 * kArenaAlignment + 1024);  // a, b and scratch at call 1
  EXPECT_EQ(plan.arena_bytes, plan.lower_bound);
}

}  // namespace
}  // namespace gantry
