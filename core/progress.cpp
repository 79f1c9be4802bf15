// SPDX-License-Identifier: Apache-2.0
#include "core/progress.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace gantry {
namespace {

constexpr double kLivePeriod = 0.25;
constexpr int kBarWidth = 20;

std::string format(const char* pattern, double value) {
  char text[64];
  // printf shows the sign of a NaN, which says nothing.
  std::snprintf(text, sizeof text, pattern, std::isnan(value) ? std::fabs(value) : value);
  return text;
}

std::string bar(double share) {
  const int filled = static_cast<int>(std::clamp(share, 0.0, 1.0) * kBarWidth);
  std::string text(kBarWidth, ' ');
  for (int i = 0; i < filled; ++i) text[i] = '=';
  if (filled < kBarWidth) text[filled] = '>';
  return concat("[", text, "]");
}

}  // namespace

double Progress::steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Progress::Progress(Log& log, Job job, Clock clock)
    : log_(log), job_(std::move(job)), clock_(std::move(clock)), step_(job_.first) {
  start_ = last_shown_ = clock_();
}

Progress::~Progress() { log_.live(""); }

void Progress::update(uint64_t step) {
  step_ = step;
  const double now = clock_();
  const double period = log_.is_terminal() ? kLivePeriod : job_.period_s;
  if (now - last_shown_ < period) return;
  last_shown_ = now;
  if (log_.is_terminal()) {
    log_.live(line(step));
  } else {
    log_.info(line(step));
  }
}

void Progress::pause() { pause_start_ = clock_(); }

void Progress::resume() {
  GANTRY_CHECK(pause_start_ >= 0, "resume() without pause()");
  paused_ += clock_() - pause_start_;
  pause_start_ = -1;
}

double Progress::elapsed() const { return clock_() - start_ - paused_; }

double Progress::items_per_second() const {
  const double seconds = elapsed();
  return seconds > 0 ? static_cast<double>(step_ - job_.first) * job_.items / seconds : 0;
}

std::string Progress::line(uint64_t step) const {
  const double share = job_.total ? static_cast<double>(step) / job_.total : 1;
  std::string text = log_.is_terminal() ? bar(share) + " " : "step ";
  text += concat(step, "/", job_.total);
  for (const auto& [name, value] : values_) text += "  " + name + format(" %.4g", value);
  const double rate = items_per_second();
  text += format(rate < 100 ? "  %.1f " : "  %.0f ", rate) + job_.unit + "/s";
  if (rate > 0 && job_.total > step) {
    text += concat(
        "  ", format_duration(static_cast<double>(job_.total - step) * job_.items / rate), " left");
  }
  return text;
}

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e10) return "?";
  const auto total = static_cast<int64_t>(std::llround(seconds));
  const int days = static_cast<int>(total / 86400), hours = static_cast<int>(total / 3600 % 24);
  const int minutes = static_cast<int>(total / 60 % 60), rest = static_cast<int>(total % 60);
  char text[64];
  if (days > 0) {
    std::snprintf(text, sizeof text, "%d d %02d:%02d", days, hours, minutes);
  } else if (hours > 0) {
    std::snprintf(text, sizeof text, "%d:%02d:%02d", hours, minutes, rest);
  } else {
    std::snprintf(text, sizeof text, "%d:%02d", minutes, rest);
  }
  return text;
}

}  // namespace gantry
