// SPDX-License-Identifier: Apache-2.0
#include "train/report_chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/error.h"

namespace gantry {
namespace {

constexpr double kWidth = 560, kHeight = 268;
constexpr double kLeft = 76, kRight = 22, kTop = 10, kBottom = 46;
constexpr size_t kMostPoints = 700;  // about one per pixel
constexpr size_t kSmoothFrom = 40;
constexpr size_t kSmoothShare = 40;    // half the window, as a share of all points
constexpr size_t kMostSmoothed = 250;  // its most, so that long runs cost no more

using Points = std::vector<std::pair<double, double>>;

struct Axis {
  double low = 0, high = 1, step = 1;
};

std::string format(const char* pattern, double value) {
  char text[64];
  // printf shows the sign of a NaN, which says nothing.
  std::snprintf(text, sizeof text, pattern, std::isnan(value) ? std::fabs(value) : value);
  return text;
}

// Round numbers (1, 2, 5 times a power of ten) around [low, high], about `count` ticks.
Axis round_axis(double low, double high, int count) {
  // A mean of equal floats differs in its last digits, which no label would show.
  const double largest = std::max(std::abs(low), std::abs(high));
  if (!(high - low > 1e-5 * largest)) {
    if (low == 0) return {0, 1, 0.5};
    const double margin = largest * 0.1;
    low -= margin;
    high += margin;
  }
  const double raw = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double scaled = raw / power;
  const double step = (scaled < 1.5 ? 1 : scaled < 3.5 ? 2 : scaled < 7.5 ? 5 : 10) * power;
  return {std::floor(low / step) * step, std::ceil(high / step) * step, step};
}

Axis value_axis(const std::vector<ChartSeries>& series, size_t& outside) {
  std::vector<double> values;
  for (const ChartSeries& one : series) {
    for (const auto& point : one.points) {
      if (std::isfinite(point.second)) values.push_back(point.second);
    }
  }
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  double low = values.front(), high = values.back();
  const size_t tail = values.size() / 200;  // half a percent on each side
  const double inner_low = values[tail], inner_high = values[values.size() - 1 - tail];
  const double room = 3 * (inner_high - inner_low);
  if (room > 0) {
    low = std::max(low, inner_low - room);
    high = std::min(high, inner_high + room);
  }
  const Axis axis = round_axis(low, high, 5);
  outside = static_cast<size_t>(std::count_if(values.begin(), values.end(), [&](double value) {
    return value < axis.low || value > axis.high;
  }));
  return axis;
}

// Mean over a window that is centred everywhere, shorter near the ends: a straight line stays one.
Points smoothed(const Points& points) {
  Points result;
  const size_t half = std::clamp<size_t>(points.size() / kSmoothShare, 2, kMostSmoothed);
  for (size_t i = 0; i < points.size(); ++i) {
    const size_t reach = std::min({half, i, points.size() - 1 - i});
    double sum = 0, count = 0;
    for (size_t j = i - reach; j <= i + reach; ++j) {
      if (!std::isfinite(points[j].second)) continue;
      sum += points[j].second;
      ++count;
    }
    const bool gap = !std::isfinite(points[i].second);
    result.emplace_back(points[i].first, gap ? points[i].second : sum / count);
  }
  return result;
}

class Frame {
 public:
  Frame(const Axis& x, const Axis& y) : x_(x), y_(y) {}

  double across(double step) const {
    return kLeft + (step - x_.low) / (x_.high - x_.low) * (kWidth - kLeft - kRight);
  }
  double down(double value) const {
    return kHeight - kBottom - (value - y_.low) / (y_.high - y_.low) * (kHeight - kTop - kBottom);
  }

  std::string grid() const {
    std::string svg;
    for (double value = y_.low; value <= y_.high + y_.step / 2; value += y_.step) {
      const double y = down(value), shown = std::abs(value) < y_.step / 2 ? 0 : value;
      svg += concat("<line class=\"rule\" x1=\"", kLeft, "\" x2=\"", kWidth - kRight, "\" y1=\"", y,
                    "\" y2=\"", y, "\"/><text class=\"tick end\" x=\"", kLeft - 8, "\" y=\"", y + 4,
                    "\">", short_number(shown), "</text>");
    }
    for (double step = x_.low; step <= x_.high + x_.step / 2; step += x_.step) {
      svg += concat("<text class=\"tick mid\" x=\"", across(step), "\" y=\"",
                    kHeight - kBottom + 18, "\">", short_number(step), "</text>");
    }
    return svg;
  }

  static std::string titles(const std::string& unit) {
    const double middle = (kTop + kHeight - kBottom) / 2;
    return concat("<text class=\"axis mid\" x=\"", (kLeft + kWidth - kRight) / 2, "\" y=\"",
                  kHeight - 8, "\">step</text><text class=\"axis mid\" x=\"14\" y=\"", middle,
                  "\" transform=\"rotate(-90 14 ", middle, ")\">", escape_html(unit), "</text>");
  }

  // One path with a gap wherever a value is not finite; of many points, every n-th.
  std::string line(const Points& points, const std::string& css) const {
    const size_t stride = points.size() / kMostPoints + 1;
    std::string path;
    bool pen_down = false;
    for (size_t i = 0; i < points.size(); ++i) {
      if (i % stride != 0 && i + 1 != points.size()) continue;
      const auto& [step, value] = points[i];
      if (std::isfinite(value)) {
        const double y = std::clamp(down(value), kTop - 4, kHeight - kBottom + 4);
        path += concat(pen_down ? "L" : "M", format("%.1f", across(step)), " ", format("%.1f", y));
        if (!pen_down) path += "h0.1";  // a lone point shows as a dot
      }
      pen_down = std::isfinite(value);
    }
    return concat("<path class=\"", css, "\" d=\"", path, "\"/>");
  }

 private:
  Axis x_, y_;
};

Axis step_axis(const std::vector<ChartSeries>& series) {
  double last = 1;
  for (const ChartSeries& one : series) {
    if (!one.points.empty()) last = std::max(last, one.points.back().first);
  }
  Axis axis = round_axis(0, last, 6);
  axis.step = std::max(axis.step, 1.0);
  axis.high = last;
  return axis;
}

std::string legend(const std::vector<ChartSeries>& series) {
  std::string html = "<figcaption>";
  for (size_t i = 0; i < series.size(); ++i) {
    const auto& points = series[i].points;
    html += concat("<span class=\"entry\"><span class=\"key k", i % 6, "\"></span>",
                   escape_html(series[i].name), " <b>",
                   points.empty() ? "-" : short_number(points.back().second), "</b></span> ");
  }
  return html + "</figcaption>";
}

}  // namespace

std::string escape_html(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string short_number(double value) {
  constexpr std::pair<double, const char*> kUnits[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  for (const auto& [size, unit] : kUnits) {
    if (std::abs(value) >= 10 * 1e3 && std::abs(value) >= size && std::abs(value) < 1e12) {
      return format("%.4g", value / size) + unit;
    }
  }
  return format("%.4g", value);
}

std::string render_chart(const std::string& title, const std::vector<ChartSeries>& series,
                         const std::string& unit) {
  size_t outside = 0;
  const Axis y = value_axis(series, outside);
  const Frame frame(step_axis(series), y);
  std::string svg = frame.grid() + Frame::titles(unit);
  for (size_t i = 0; i < series.size(); ++i) {
    const Points& points = series[i].points;
    const bool smooth = points.size() > kSmoothFrom;
    svg += frame.line(points, concat("line c", i % 6, smooth ? " raw" : ""));
    if (smooth) svg += frame.line(smoothed(points), concat("line c", i % 6));
  }
  std::string note;
  if (outside > 0) note = concat("<small>", outside, " beyond the edge</small>");
  return concat("<figure class=\"chart\"><h3>", escape_html(title), note,
                "</h3><svg viewBox=\"0 0 ", kWidth, " ", kHeight, "\" role=\"img\" aria-label=\"",
                escape_html(title), "\">", svg, "</svg>", legend(series), "</figure>\n");
}

}  // namespace gantry
