// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/op_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>

#include "tests/malloc_count.h"
#include "tests/reference/reference_backend.h"
#include "tests/tolerances.h"

namespace gantry::ladder {
namespace {

constexpr size_t kGuard = 256;
constexpr uint8_t kGuardByte = 0xA5;
constexpr uint8_t kPoison = 0xFF;  // NaN in every floating-point type, -1 in the others

using Bytes = std::vector<uint8_t>;

DType dtype_of(const Arg& arg, DType real) {
  if (arg.kind == Kind::kCounter) return DType::kI64;
  return arg.kind == Kind::kIndex ? DType::kI32 : real;
}

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
  if (dtype == DType::kI64) store<int64_t>(bytes, arg.values);
  if (dtype == DType::kI32) store<int32_t>(bytes, arg.values);
  return bytes;
}

Vec decode(const Bytes& bytes, DType dtype) {
  Vec values(bytes.size() / dtype_bytes(dtype));
  if (dtype == DType::kF32) load<float>(bytes, values);
  if (dtype == DType::kF64) load<double>(bytes, values);
  if (dtype == DType::kI64) load<int64_t>(bytes, values);
  if (dtype == DType::kI32) load<int32_t>(bytes, values);
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
};

Outcome execute(TestBackend& on, const Kernel& kernel, const std::vector<Arg>& args,
                const RunOptions& options = {}) {
  const DType real = on.backend.kernels->real();
  std::vector<std::unique_ptr<Guarded>> buffers(args.size());
  std::vector<TensorView> views;
  for (size_t i = 0; i < args.size(); ++i) {
    const DType dtype = dtype_of(args[i], real);
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
    } else if (!overwritten) {
      EXPECT_EQ(bytes, encode(args[i], views[i].dtype)) << "input " << i << " was changed";
    }
  }
  return outcome;
}

void compare(const std::string& op, const Outcome& got, const std::vector<Vec>& want) {
  for (size_t i = 0; i < want.size(); ++i) {
    SCOPED_TRACE(concat("output ", i));
    expect_close(op, got.dtypes[i], decode(got.results[i], got.dtypes[i]), want[i]);
  }
}

// Largest errors seen per op, printed at the end when asked for.
class Ledger : public ::testing::Environment {
 public:
  void note(const std::string& key, double nmse, double max_rel) {
    auto& seen = seen_[key];
    seen.first = std::max(seen.first, nmse);
    seen.second = std::max(seen.second, max_rel);
  }
  void TearDown() override {
    const char* wish = std::getenv("GANTRY_TOLERANCES");
    if (!wish || std::string(wish) != "print") return;
    for (const auto& [key, seen] : seen_)
      std::printf("%-32s nmse %.1e  max_rel %.1e\n", key.c_str(), seen.first, seen.second);
  }

 private:
  std::map<std::string, std::pair<double, double>> seen_;
};

// gtest owns it from the start of the program to the end of the last test.
Ledger* const ledger = static_cast<Ledger*>(::testing::AddGlobalTestEnvironment(new Ledger));

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
    std::vector<TestBackend> list;
    // 3 threads divide few sizes evenly.
    for (const int threads : {1, 2, 3}) {
      list.push_back(opened(open_backend(BackendChoice::kCpu, threads)));
      list.back().backend.name += concat(" with ", threads, " threads");
    }
    return list;
  }();
  return backends;
}

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

void note_error(const std::string& key, double nmse, double max_rel) {
  ledger->note(key, nmse, max_rel);
}

void expect_close(const std::string& op, DType dtype, const Vec& got, const Vec& want) {
  ASSERT_EQ(got.size(), want.size());
  if (dtype == DType::kI32 || dtype == DType::kI64) {
    EXPECT_EQ(got, want);
    return;
  }
  // What f32 cannot hold but as zero or a denormal number is no error.
  const double underflow = dtype == DType::kF32 ? double{std::numeric_limits<float>::min()} : 0;
  double error = 0, power = 0, largest_error = 0, largest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_EQ(std::isfinite(got[i]), std::isfinite(want[i]))
        << op << ": element " << i << " is " << got[i] << ", expected " << want[i];
    if (!std::isfinite(want[i])) continue;
    double difference = std::fabs(got[i] - want[i]);
    if (difference < underflow) difference = 0;
    error += difference * difference;
    power += want[i] * want[i];
    largest_error = std::max(largest_error, difference);
    largest = std::max(largest, std::fabs(want[i]));
  }
  const double nmse = error > 0 ? error / power : 0;
  const double max_rel = error > 0 ? largest_error / largest : 0;
  const Tolerance& limit = tolerance(op, dtype_name(dtype));
  note_error(op + " " + dtype_name(dtype), nmse, max_rel);
  EXPECT_LE(nmse, limit.nmse) << op;
  EXPECT_LE(max_rel, limit.max_rel) << op;
}

Vec rounded(Vec values) {
  for (double& value : values) value = static_cast<double>(static_cast<float>(value));
  return values;
}

Vec Sampler::uniform(const Shape& shape, double low, double high) {
  const RandomKey key = random_key(seed_, Purpose::kSynthetic, draws_++);
  Vec values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) {
    const PhiloxBlock block = random_block(key, 0, 0, static_cast<uint32_t>(i));
    values[i] = low + (high - low) * static_cast<double>(uniform01(block.v[0]));
  }
  return rounded(values);
}

Vec Sampler::normal(const Shape& shape, double mean, double deviation) {
  const RandomKey key = random_key(seed_, Purpose::kSynthetic, draws_++);
  Vec values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) {
    const PhiloxBlock block = random_block(key, 0, 0, static_cast<uint32_t>(i));
    float first, second;
    normal_pair(block.v[0], block.v[1], &first, &second);
    values[i] = mean + deviation * static_cast<double>(first);
  }
  return rounded(values);
}

Vec Sampler::off_zero(const Shape& shape, double gap) {
  Vec values = normal(shape);
  for (double& value : values) value += value < 0 ? -gap : gap;
  return rounded(values);
}

Vec Sampler::distinct(const Shape& shape) {
  const Vec order = uniform(shape, 0, 1);
  std::vector<size_t> index(order.size());
  for (size_t i = 0; i < index.size(); ++i) index[i] = i;
  std::sort(index.begin(), index.end(), [&](size_t a, size_t b) { return order[a] < order[b]; });
  Vec values(order.size());
  const double middle = static_cast<double>(order.size()) / 2;
  for (size_t i = 0; i < index.size(); ++i)
    values[index[i]] = (static_cast<double>(i) - middle) / 64;
  return rounded(values);
}

Vec Sampler::categories(int64_t count, int64_t classes) {
  Vec values = uniform(vector_shape(count), 0, static_cast<double>(classes));
  for (double& value : values) value = std::floor(value);
  return values;
}

}  // namespace gantry::ladder
