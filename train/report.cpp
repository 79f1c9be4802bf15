// SPDX-License-Identifier: Apache-2.0
#include "train/report.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/atomic_file.h"
#include "core/build_info.h"
#include "core/progress.h"
#include "train/metrics_log.h"
#include "train/report_chart.h"
#include "train/report_style.h"
#include "train/report_summary.h"

namespace gantry {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostGrids = 24;
constexpr uint64_t kMaxTextBytes = 16 << 20;
constexpr uint64_t kMaxPictureBytes = 64 << 20;

std::string base64(const std::string& bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](size_t at) -> uint32_t {
      return at < bytes.size() ? static_cast<uint8_t>(bytes[at]) : 0;
    };
    const uint32_t word = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (int digit = 0; digit < 4; ++digit) text += kDigits[word >> (18 - 6 * digit) & 63];
  }
  for (size_t pad = (3 - bytes.size() % 3) % 3; pad > 0; --pad) text[text.size() - pad] = '=';
  return text;
}

std::string picture(const fs::path& path, const char* type) {
  return concat("data:image/", type, ";base64,", base64(read_file(path, kMaxPictureBytes)));
}

Json read_json(const fs::path& path) {
  if (!fs::exists(path)) return nullptr;
  Json json = Json::parse(read_file(path, kMaxTextBytes), nullptr, false);
  return json.is_discarded() ? Json(nullptr) : json;
}

std::string section(const std::string& title, const std::string& body) {
  return body.empty() ? "" : concat("<section><h2>", title, "</h2>\n", body, "</section>\n");
}

std::string card(const std::string& label, const std::string& value) {
  return concat("<div class=\"card\"><span>", escape_html(label), "</span><b>", escape_html(value),
                "</b></div>");
}

std::optional<RunStatus> status_of(const RunDir& run) {
  if (!fs::exists(run.status())) return std::nullopt;
  try {
    return run.read_status();
  } catch (const CheckpointError&) {
    return std::nullopt;
  }
}

std::string name_of(const RunDir& run, const Json& config) {
  const bool named = config.is_object() && config.contains("name") && config["name"].is_string();
  const std::string name = named ? config["name"].get<std::string>() : "";
  return name.empty() ? run.path().filename().string() : name;
}

std::string header(const RunDir& run, const std::string& name,
                   const std::optional<RunStatus>& status) {
  std::string html = concat("<header><h1>", escape_html(name), "</h1>");
  if (status) {
    html += concat("<span class=\"pill ", run_state_name(status->state), "\">",
                   run_state_name(status->state), "</span>");
  }
  html += concat("<p class=\"path\">", escape_html(fs::absolute(run.path()).lexically_normal()),
                 "</p></header>\n");
  if (status && !status->message.empty()) {
    html += concat("<p class=\"message ", run_state_name(status->state), "\">",
                   escape_html(status->message), "</p>\n");
  }
  return html;
}

const double* last_of(const std::vector<MetricsRow>& rows, const char* name) {
  return rows.empty() ? nullptr : rows.back().find(name);
}

// Half of the intervals were faster: one that a checkpoint fell into does not count for more.
double median_of(const std::vector<MetricsRow>& rows, const char* name) {
  std::vector<double> values;
  for (const MetricsRow& row : rows) {
    if (const double* value = row.find(name)) values.push_back(*value);
  }
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string cards(const std::optional<RunStatus>& status, const std::vector<MetricsRow>& rows) {
  std::string html;
  if (status) html += card("steps done", concat(status->step, " of ", status->steps));
  constexpr std::pair<const char*, const char*> kShown[] = {{"d.loss", "last loss of D"},
                                                            {"g.loss", "last loss of G"},
                                                            {"e.loss", "last loss of E and G"}};
  for (const auto& [name, label] : kShown) {
    if (const double* value = last_of(rows, name)) html += card(label, short_number(*value));
  }
  if (const double speed = median_of(rows, "images_per_s"); speed > 0) {
    html += card("images per second (median)", short_number(speed));
  }
  return html.empty() ? "" : concat("<div class=\"cards\">", html, "</div>\n");
}

// g_loss and d_loss share a chart, and so do d_accuracy_real and d_accuracy_fake, g_lr and d_lr.
std::string chart_of(std::string metric) {
  for (const char* prefix : {"g_", "d_", "g.", "d.", "g/", "d/"}) {
    if (metric.starts_with(prefix)) metric = metric.substr(2);
  }
  for (const std::string suffix : {"_g", "_d", "_real", "_fake", "/real", "/fake"}) {
    if (metric.ends_with(suffix)) metric.resize(metric.size() - suffix.size());
  }
  return metric;
}

bool all_zero(const std::vector<ChartSeries>& group) {
  return std::all_of(group.begin(), group.end(), [](const ChartSeries& series) {
    return std::all_of(series.points.begin(), series.points.end(),
                       [](const auto& point) { return point.second == 0; });
  });
}

std::string charts(const std::vector<MetricsRow>& rows) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<ChartSeries>> groups;
  const auto add = [&](uint64_t step, const std::string& name, double value) {
    const std::string group = chart_of(name);
    if (!groups.contains(group)) order.push_back(group);
    std::vector<ChartSeries>& series = groups[group];
    auto found = std::find_if(series.begin(), series.end(),
                              [&](const ChartSeries& one) { return one.name == name; });
    if (found == series.end()) found = series.insert(series.end(), {name, {}});
    found->points.emplace_back(static_cast<double>(step), value);
  };
  for (const MetricsRow& row : rows) {
    for (const auto& [name, value] : row.values) add(row.step, name, value);
    for (const auto& [name, value] : row.times) add(row.step, name, value);
  }
  std::string html;
  for (const std::string& group : order) {
    if (group == "nonfinite" && all_zero(groups[group])) continue;  // as it should be
    const ChartText text = chart_text(group);
    html += render_chart(text.title, groups[group], text.unit);
  }
  return html.empty() ? "" : concat("<div class=\"charts\">\n", html, "</div>\n");
}

std::string step_label(const fs::path& grid) {
  const std::string digits = grid.stem().string().substr(sizeof "step-" - 1);
  return std::to_string(std::stoull(digits));
}

// The grids as a stack of which a slider shows one; without scripts, the last.
std::string samples(const RunDir& run) {
  const std::vector<fs::path> grids = run.grids();
  const size_t count = std::min(grids.size(), kMostGrids);
  std::string stack;
  for (size_t i = 0; i < count; ++i) {
    const fs::path& path = grids[count < 2 ? 0 : i * (grids.size() - 1) / (count - 1)];
    const std::string step = step_label(path);
    stack += concat("<img ", i + 1 == count ? "class=\"on\" " : "", "data-step=\"", step,
                    "\" alt=\"samples at step ", step, "\" src=\"", picture(path, "png"), "\">\n");
  }
  std::string html;
  if (count > 0) {
    html += concat("<figure class=\"grids\">\n", stack,
                   "<figcaption><input type=\"range\" min=\"0\" "
                   "max=\"",
                   count - 1, "\" value=\"", count - 1, "\" aria-label=\"step\"><output>step ",
                   step_label(grids.back()), "</output></figcaption></figure>\n");
  }
  if (fs::exists(run.animation())) {
    html += concat("<figure class=\"film\"><img alt=\"samples over training\" src=\"",
                   picture(run.animation(), "webp"),
                   "\"><figcaption>the same latents over training</figcaption></figure>\n");
  }
  return html.empty() ? "" : concat("<div class=\"pictures\">\n", html, "</div>\n");
}

std::string environment(const Json& json) {
  if (!json.is_object()) return "";
  std::string rows;
  for (const auto& [key, value] : json.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    rows += concat("<tr><th>", escape_html(key), "</th><td>", escape_html(text), "</td></tr>\n");
  }
  return rows.empty() ? "" : concat("<table>\n", rows, "</table>\n");
}

std::string config_text(const RunDir& run, const std::string& json) {
  return concat(summarize_config(json), "<details><summary>", run.config().filename().string(),
                ", every value as the run used it</summary><pre>", escape_html(json),
                "</pre></details>\n");
}

// In quotes where a shell would take it apart.
std::string shell_word(const std::string& word) {
  const bool plain = word.find_first_of(" \t\n'\"\\$`!*?[](){}<>|&;#~") == std::string::npos;
  if (plain && !word.empty()) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string commands(const RunDir& run, const std::optional<RunStatus>& status) {
  const std::string dir = shell_word(run.path().string());
  const bool done = status && status->state == RunState::kDone;
  const auto entry = [](const std::string& what, const std::string& command) {
    return concat("<dt>", what, "</dt><dd><code>", escape_html(command), "</code></dd>\n");
  };
  return concat("<dl class=\"commands\">\n",
                done ? entry("Train longer",
                             concat("gantry resume ", dir, " train.steps=", 2 * status->steps))
                     : entry("Continue", concat("gantry resume ", dir)),
                entry("Draw samples",
                      concat("gantry sample ", dir, " --grid 8x8 --seed 1 --out samples.png")),
                entry("Repeat it from the start",
                      concat("gantry train ", shell_word(run.config().string()), " --out again")),
                "</dl>\n");
}

std::string written_at() {
  const std::time_t now = std::time(nullptr);
  std::tm utc = {};
  gmtime_r(&now, &utc);
  char text[64];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc);
  return concat("<footer>Written by gantry ", build_version(), ", ", text, ".</footer>\n");
}

}  // namespace

std::string render_report(const RunDir& run) {
  const std::string json = read_file(run.config(), kMaxTextBytes);
  const Json config = read_json(run.config());
  std::string problem;
  const std::vector<MetricsRow> rows = read_metrics(run.metrics(), &problem);
  if (!problem.empty()) problem = concat("<p class=\"warning\">", escape_html(problem), "</p>\n");
  const std::optional<RunStatus> status = status_of(run);
  const std::string title = name_of(run, config);
  return concat("<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\n",
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
                escape_html(title), " - Gantry</title>\n<style>", kReportStyle,
                "</style></head>\n<body><main>\n", header(run, title, status), cards(status, rows),
                section("Samples", samples(run)), section("Metrics", problem + charts(rows)),
                section("Config", config_text(run, json)),
                section("Commands", commands(run, status)),
                section("Environment", environment(read_json(run.environment()))), written_at(),
                "</main>\n<script>", kReportScript, "</script>\n</body></html>\n");
}

void write_report(const RunDir& run) { write_file_atomically(run.report(), render_report(run)); }

}  // namespace gantry
