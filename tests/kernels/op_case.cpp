// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/op_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/half.h"
#include "tests/malloc_count.h"
#include "tests/reference/reference_backend.h"

namespace gantry::ladder {
namespace {

constexpr size_t kGuard = 256;
constexpr uint8_t kGuardByte = 0xA5;
constexpr uint8_t kPoison = 0xFF;  // NaN in every floating-point type, -1 in the others

using Bytes = std::vector<uint8_t>;

DType dtype_of(const Arg& arg, const Kernels& kernels) {
  if (arg.kind == Kind::kCounter) return DType::kI64;
  if (arg.kind == Kind::kByte) return DType::kU8;
  if (arg.kind == Kind::kNarrow) return kernels.narrow_real();
  return arg.kind == Kind::kIndex ? DType::kI32 : kernels.real();
}

void store_narrow(Bytes& bytes, DType dtype, const Vec& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    const float value = static_cast<float>(values[i]);
    const uint16_t bits = dtype == DType::kBF16 ? to_bfloat16(value).bits : to_float16(value).bits;
    std::memcpy(bytes.data() + i * sizeof(bits), &bits, sizeof(bits));
  }
}

void load_narrow(const Bytes& bytes, DType dtype, Vec& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, bytes.data() + i * sizeof(bits), sizeof(bits));
    const float value = dtype == DType::kBF16 ? to_float(BFloat16{bits}) : to_float(Float16{bits});
    values[i] = static_cast<double>(value);
  }
}

bool has_16_bits(DType dtype) { return dtype == DType::kBF16 || dtype == DType::kF16; }

template <typename T>
void store(Bytes& bytes, const Vec& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    const T value = static_cast<T>(values[i]);
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
}

template <typename T>
void load(const Bytes& bytes, Vec& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<double>(value);
  }
}

Bytes encode(const Arg& arg, DType dtype) {
  Bytes bytes(static_cast<size_t>(arg.shape.elements()) * dtype_bytes(dtype), kPoison);
  if (arg.role == Role::kOutput) return bytes;
  GANTRY_CHECK(arg.values.size() == static_cast<size_t>(arg.shape.elements()), "case has ",
               arg.values.size(), " values for ", to_string(arg.shape));
  if (dtype == DType::kF32) store<float>(bytes, arg.values);
  if (dtype == DType::kF64) store<double>(bytes, arg.values);
  if (has_16_bits(dtype)) store_narrow(bytes, dtype, arg.values);
  if (dtype == DType::kI64) store<int64_t>(bytes, arg.values);
  if (dtype == DType::kI32) store<int32_t>(bytes, arg.values);
  if (dtype == DType::kU8) store<uint8_t>(bytes, arg.values);
  return bytes;
}

Vec decode(const Bytes& bytes, DType dtype) {
  Vec values(bytes.size() / dtype_bytes(dtype));
  if (dtype == DType::kF32) load<float>(bytes, values);
  if (dtype == DType::kF64) load<double>(bytes, values);
  if (has_16_bits(dtype)) load_narrow(bytes, dtype, values);
  if (dtype == DType::kI64) load<int64_t>(bytes, values);
  if (dtype == DType::kI32) load<int32_t>(bytes, values);
  if (dtype == DType::kU8) load<uint8_t>(bytes, values);
  return values;
}

// Device memory with guard bytes on both sides.
class Guarded {
 public:
  Guarded(TestBackend& on, const Bytes& contents, size_t shift)
      : on_(on),
        begin_(kGuard + shift),
        size_(contents.size()),
        memory_(*on.backend.device, begin_ + size_ + kGuard) {
    Bytes all(memory_.bytes(), kGuardByte);
    std::copy(contents.begin(), contents.end(), all.begin() + static_cast<ptrdiff_t>(begin_));
    on_.backend.device->copy_to_device(*on_.stream, memory_.data(), all.data(), all.size());
    on_.stream->synchronize();
  }
  void* data() const { return static_cast<char*>(memory_.data()) + begin_; }
  // The contents; fails the test when a guard byte has changed.
  Bytes read(const std::string& what) const {
    Bytes all(memory_.bytes());
    on_.backend.device->copy_to_host(*on_.stream, all.data(), memory_.data(), all.size());
    on_.stream->synchronize();
    for (size_t i = 0; i < all.size(); ++i) {
      if (i >= begin_ && i < begin_ + size_) continue;
      if (all[i] == kGuardByte) continue;
      ADD_FAILURE() << what << " written " << (i < begin_ ? "before its start" : "past its end");
      break;
    }
    const auto first = all.begin() + static_cast<ptrdiff_t>(begin_);
    return Bytes(first, first + static_cast<ptrdiff_t>(size_));
  }

 private:
  TestBackend& on_;
  size_t begin_, size_;
  Memory memory_;
};

struct RunOptions {
  size_t shift_elements = 0;
  bool count_allocations = false;
  std::vector<std::pair<size_t, size_t>> aliases = {};
};

struct Outcome {
  std::vector<Bytes> results;  // outputs and in-outs
  std::vector<DType> dtypes;
  std::vector<std::string> rows;  // of the tolerance table: what is added to the op's
};

Outcome execute(TestBackend& on, const Kernel& kernel, const std::vector<Arg>& args,
                const RunOptions& options = {}) {
  std::vector<std::unique_ptr<Guarded>> buffers(args.size());
  std::vector<TensorView> views;
  for (size_t i = 0; i < args.size(); ++i) {
    const DType dtype = dtype_of(args[i], *on.backend.kernels);
    size_t source = i;
    for (const auto& [output, input] : options.aliases)
      if (output == i) source = input;
    if (!buffers[source])
      buffers[source] = std::make_unique<Guarded>(on, encode(args[source], dtype),
                                                  options.shift_elements * dtype_bytes(dtype));
    views.push_back({buffers[source]->data(), args[i].shape, dtype});
  }
  const Guarded scratch(on, Bytes(kernel.scratch_bytes(), kPoison), 0);
  {
    const MallocCount allocations;
    kernel.run(*on.stream, views, scratch.data());
    const int64_t count = allocations.count();
    EXPECT_TRUE(count == 0 || !options.count_allocations) << count << " allocations in run()";
  }
  on.stream->synchronize();

  Outcome outcome;
  scratch.read("scratch");
  for (size_t i = 0; i < args.size(); ++i) {
    const auto alias = std::find_if(options.aliases.begin(), options.aliases.end(),
                                    [&](const auto& pair) { return pair.first == i; });
    const size_t source = alias == options.aliases.end() ? i : alias->second;
    const bool overwritten = std::any_of(options.aliases.begin(), options.aliases.end(),
                                         [&](const auto& pair) { return pair.second == i; });
    const Bytes bytes = buffers[source]->read(concat("argument ", i));
    if (args[i].role != Role::kInput) {
      outcome.results.push_back(bytes);
      outcome.dtypes.push_back(views[i].dtype);
      const Kernels& kernels = *on.backend.kernels;
      const bool widens = args[i].kind == Kind::kReal && kernels.narrow_real() != kernels.real();
      outcome.rows.push_back(widens ? concat(" from ", dtype_name(kernels.narrow_real())) : "");
    } else if (!overwritten) {
      EXPECT_EQ(bytes, encode(args[i], views[i].dtype)) << "input " << i << " was changed";
    }
  }
  return outcome;
}

void compare(const std::string& op, const Outcome& got, const std::vector<Vec>& want) {
  for (size_t i = 0; i < want.size(); ++i) {
    SCOPED_TRACE(concat("output ", i));
    expect_close(op + got.rows[i], got.dtypes[i], decode(got.results[i], got.dtypes[i]), want[i]);
  }
}

TestBackend opened(Backend backend) {
  auto stream = backend.device->make_stream();
  return {std::move(backend), std::move(stream)};
}

}  // namespace

TestBackend& reference_backend() {
  static TestBackend backend = opened(open_reference_backend());
  return backend;
}

std::vector<TestBackend>& tested_backends() {
  static std::vector<TestBackend> backends = [] {
    const char* wish = std::getenv("GANTRY_TEST_BACKENDS");
    const std::string only = wish ? wish : "";
    std::vector<TestBackend> list;
    if (only != "cuda") {
      // 3 threads divide few sizes evenly.
      for (const int threads : {1, 2, 3}) {
        list.push_back(opened(open_backend(BackendChoice::kCpu, threads)));
        list.back().backend.name += concat(" with ", threads, " threads");
      }
    }
    if (only != "cpu" && has_cuda_backend()) {
      try {
        list.push_back(opened(open_backend(BackendChoice::kCuda, 0)));
      } catch (const EnvironmentError& error) {
        std::printf("The CUDA kernels are NOT tested: %s\n", error.what());
      }
    }
    return list;
  }();
  return backends;
}

namespace {

// The GPU's kernels for 16 bits, a backend each.
std::vector<TestBackend>& narrow_backends() {
  static std::vector<TestBackend> backends = [] {
    std::vector<TestBackend> list;
    for (const TestBackend& on : tested_backends()) {
      if (on.backend.name != "cuda") continue;
      for (const Precision precision : {Precision::kBf16, Precision::kFp16}) {
        list.push_back(
            opened(open_backend(BackendChoice::kCuda, 0, ComputeOptions{.precision = precision})));
        Backend& backend = list.back().backend;
        backend.kernels = std::move(backend.narrow_kernels);
        backend.name += concat(" ", dtype_name(backend.kernels->narrow_real()));
      }
    }
    return list;
  }();
  return backends;
}

// With the values that a backend can hold.
OpCase held(OpCase test, const Kernels& kernels) {
  for (Arg& arg : test.args) {
    const DType dtype = dtype_of(arg, kernels);
    if (arg.role != Role::kOutput && has_16_bits(dtype))
      arg.values = decode(encode(arg, dtype), dtype);
  }
  return test;
}

void check_on(TestBackend& on, const OpCase& test, const std::vector<Vec>& want) {
  SCOPED_TRACE(on.backend.name);
  const KernelPtr kernel = test.make(*on.backend.kernels);
  const Outcome first = execute(on, *kernel, test.args);
  compare(test.op, first, want);
  const Outcome second = execute(on, *kernel, test.args, {.count_allocations = true});
  EXPECT_EQ(first.results, second.results) << "two runs differ";
  {
    SCOPED_TRACE("from memory one element off");
    compare(test.op, execute(on, *kernel, test.args, {.shift_elements = 1}), want);
  }
  for (const auto& pair : test.in_place) {
    const Outcome alias = execute(on, *kernel, test.args, {.aliases = {pair}});
    EXPECT_EQ(first.results, alias.results)
        << "argument " << pair.first << " in place of " << pair.second;
  }
}

}  // namespace

std::vector<Vec> run(TestBackend& on, const Maker& make, const std::vector<Arg>& args) {
  const Outcome outcome = execute(on, *make(*on.backend.kernels), args);
  std::vector<Vec> results;
  for (size_t i = 0; i < outcome.results.size(); ++i)
    results.push_back(decode(outcome.results[i], outcome.dtypes[i]));
  return results;
}

void check_parity(const OpCase& test) {
  SCOPED_TRACE(test.op + " " + test.name);
  const std::vector<Vec> want = run(reference_backend(), test.make, test.args);
  for (TestBackend& on : tested_backends()) {
    check_on(on, test, want);
    if (::testing::Test::HasFatalFailure()) return;
  }
  const bool has_narrow = std::any_of(test.args.begin(), test.args.end(),
                                      [](const Arg& arg) { return arg.kind == Kind::kNarrow; });
  if (!has_narrow) return;
  for (TestBackend& on : narrow_backends()) {
    const OpCase rounded = held(test, *on.backend.kernels);
    check_on(on, rounded, run(reference_backend(), rounded.make, rounded.args));
    if (::testing::Test::HasFatalFailure()) return;
  }
}

void check_accumulate(const OpCase& overwrite, const OpCase& accumulate) {
  SCOPED_TRACE(overwrite.op + " " + overwrite.name);
  const auto fresh = run(reference_backend(), overwrite.make, overwrite.args);
  const auto added = run(reference_backend(), accumulate.make, accumulate.args);
  for (size_t i = 0; i < fresh.size(); ++i) {
    for (size_t k = 0; k < fresh[i].size(); ++k) {
      const Arg& arg = accumulate.args[i];
      const double old = arg.role == Role::kInOut ? arg.values[k] : 0;
      ASSERT_NEAR(added[i][k], fresh[i][k] + old, 1e-10 * (1 + std::fabs(added[i][k])));
    }
  }
}

}  // namespace gantry::ladder
