// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/closeness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>

#include "tests/tolerances.h"

namespace gantry::ladder {
namespace {

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

}  // namespace

void note_error(const std::string& key, double nmse, double max_rel) {
  ledger->note(key, nmse, max_rel);
}

void expect_close(const std::string& op, DType dtype, const Vec& got, const Vec& want) {
  ASSERT_EQ(got.size(), want.size());
  if (dtype == DType::kI32 || dtype == DType::kI64) {
    EXPECT_EQ(got, want);
    return;
  }
  // What f32 cannot hold but as zero or a denormal number is no error, nor is what is less than the
  // least number of f16 there.
  double underflow = dtype == DType::kF64 ? 0 : double{std::numeric_limits<float>::min()};
  if (dtype == DType::kF16) underflow = 0x1p-24;
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

}  // namespace gantry::ladder
