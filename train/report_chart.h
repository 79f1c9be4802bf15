// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace gantry {

struct ChartSeries {
  std::string name;
  std::vector<std::pair<double, double>> points;  // (step, value), steps ascending
};

// A line chart as a <figure> with inline SVG and a legend that gives the last values. Values that
// are not finite leave gaps; a spike beyond the other 99 % is cut off at the edge and said so.
// Series of more than 40 points also get their moving average, drawn over them. The x axis counts
// steps; `unit` names the y axis.
std::string render_chart(const std::string& title, const std::vector<ChartSeries>& series,
                         const std::string& unit = "");

std::string escape_html(const std::string& text);
std::string short_number(double value);  // "1.25", "0.0002", "144.2k", "1.6M", "2e-07"

}  // namespace gantry
