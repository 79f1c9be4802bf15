// SPDX-License-Identifier: Apache-2.0
#include "train/report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>

#include "core/animation.h"
#include "core/atomic_file.h"
#include "tests/core/scratch_folder.h"
#include "train/metrics_log.h"
#include "train/report_chart.h"
#include "train/report_summary.h"

namespace gantry {
namespace {

using testing::ScratchFolder;

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class ReportTest : public ::testing::Test {
 protected:
  ReportTest() { run_.write_config("{\"name\": \"tiny <b>&\"}\n"); }
  ~ReportTest() override { std::fclose(log_file_); }

  ScratchFolder scratch_;
  std::FILE* log_file_ = std::tmpfile();
  Log log_{log_file_};
  RunDir run_ = RunDir::create(scratch_ / "run", log_);
};

TEST_F(ReportTest, ABareRunHasOne) {
  const std::string page = render_report(run_);
  EXPECT_EQ(page.find("<!doctype html>"), 0u);
  EXPECT_NE(page.find("<h1>tiny &lt;b&gt;&amp;</h1>"), std::string::npos);
  EXPECT_EQ(page.find("<h2>Samples"), std::string::npos);
  EXPECT_EQ(page.find("<h2>Metrics"), std::string::npos);
}

TEST_F(ReportTest, HoldsEverythingAndNeedsNothingElse) {
  MetricsLog metrics(run_.metrics(), 0, log_);
  for (uint64_t step = 10; step <= 1000; step += 10) {
    const double x = static_cast<double>(step);
    metrics.write({step,
                   {{"g_loss", std::sin(x)}, {"d_loss", step == 500 ? NAN : 1 / x}, {"<i>", x}},
                   {{"images_per_s", 1000}}});
  }
  for (const uint64_t step : {0u, 500u, 1000u}) write_png(run_.grid(step), Image(40, 40, 1, 99));
  write_animation(run_.animation(), run_.grids());
  run_.write_environment("{\"threads\": 2, \"host\": \"<node>\"}\n");
  run_.write_status({RunState::kFailed, 1000, 2000, 10, "d_loss is nan"});
  write_report(run_);
  const std::string page = read_file(run_.report());
  EXPECT_EQ(count_of(page, "data:image/png;base64,iVBORw0KGgo"), 3u);
  EXPECT_EQ(count_of(page, "data:image/webp;base64,UklGR"), 1u);
  EXPECT_EQ(count_of(page, "class=\"chart\""), 3u) << "g_loss and d_loss share one";
  EXPECT_NE(page.find("pill failed"), std::string::npos);
  EXPECT_NE(page.find("d_loss is nan"), std::string::npos);
  EXPECT_NE(page.find("<td>&lt;node&gt;</td>"), std::string::npos);
  for (const char* outside : {"http:", "https:", "src=\"/", "url(", "@import", "<link"}) {
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  }
  EXPECT_EQ(page.find("<i>"), std::string::npos) << "names are text";
}

TEST_F(ReportTest, DamagedPartsAreLeftOut) {
  for (const auto& path : {run_.status(), run_.environment(), run_.metrics()}) {
    std::ofstream(path) << "{\"step\":";
  }
  EXPECT_NO_THROW(write_report(run_));
  std::ofstream(run_.config()) << "{";
  EXPECT_NO_THROW(write_report(run_));
}

TEST(ReportChart, NumbersAreShort) {
  EXPECT_EQ(short_number(0.00020000000298), "0.0002");
  EXPECT_EQ(short_number(1600000), "1.6M");
  EXPECT_EQ(short_number(144207), "144.2k");
  EXPECT_EQ(short_number(9999), "9999");
  EXPECT_EQ(short_number(-2e-7), "-2e-07");
  EXPECT_EQ(short_number(std::copysign(NAN, -1.0)), "nan");
}

TEST(ReportChart, AxesHaveTitlesAndNoDigitsOfRounding) {
  const std::string chart =
      render_chart("Learning rates", {{"g.lr", {{1, 2e-4}, {2, 2.0000001e-4}}}}, "rate < 1");
  EXPECT_NE(chart.find(">step</text>"), std::string::npos);
  EXPECT_NE(chart.find(">rate &lt; 1</text>"), std::string::npos);
  EXPECT_EQ(count_of(chart, ">0.0002</text>"), 1u) << chart;
}

TEST(ReportSummary, ConfigInAFewLines) {
  const std::string table = summarize_config(R"({
      "data": {"source": "mnist", "path": "data/<x>", "subset": 0, "range": [-1, 1]},
      "latent": {"size": 64, "distribution": "normal"},
      "generator": {"layers": [{"type": "dense", "units": 9}, {"type": "reshape", "shape": [1, 3, 3]}]},
      "optimizer": {"g": {"type": "adam", "lr": 2e-4, "clip_norm": 0.0}, "d": 3},
      "train": {"batch": 64, "ema": {"decay": 0.998}}, "seed": 0})");
  for (const char* cell :
       {"<td>mnist, path data/&lt;x&gt;, range [-1,1]</td>", "<td>normal, size 64</td>",
        "<td>dense 9 \u2192 reshape 1x3x3</td>", "<td>adam, lr 0.0002</td>", "<td>batch 64</td>",
        "<td>decay 0.998</td>", "<th>seed</th><td>0</td>"}) {
    EXPECT_NE(table.find(cell), std::string::npos) << cell << " in " << table;
  }
  EXPECT_EQ(table.find("optimizer of d"), std::string::npos);
  for (const char* odd :
       {"", "{", "[]", "{}", R"({"generator": {"layers": [1, {"type": 3}, null]}})"}) {
    EXPECT_NO_THROW(summarize_config(odd)) << odd;
  }
}

TEST_F(ReportTest, TellsHowToGoOn) {
  run_.write_status({RunState::kStopped, 10, 200, 75, ""});
  EXPECT_NE(render_report(run_).find("<dt>Continue</dt><dd><code>gantry resume " +
                                     run_.path().string() + "</code>"),
            std::string::npos);
  run_.write_status({RunState::kDone, 200, 200, 0, ""});
  EXPECT_NE(render_report(run_).find(run_.path().string() + " train.steps=400</code>"),
            std::string::npos);
  RunDir spaced = RunDir::create(scratch_ / "it's a run", log_);
  spaced.write_config("{}\n");
  EXPECT_NE(render_report(spaced).find("it'\\''s a run' --grid"), std::string::npos);
}

TEST_F(ReportTest, SaysWhereMetricsAreDamaged) {
  std::ofstream(run_.metrics()) << "{\"step\":1,\"d.loss\":2}\ngarbage\n";
  EXPECT_NE(render_report(run_).find("metrics.jsonl: line 2"), std::string::npos);
}

TEST_F(ReportTest, GradientsAsTheyShouldBeNeedNoChart) {
  MetricsLog metrics(run_.metrics(), 0, log_);
  metrics.write({1, {{"d.nonfinite", 0}, {"g.nonfinite", 0}}, {}});
  EXPECT_EQ(count_of(render_report(run_), "class=\"chart\""), 0u);
  metrics.write({2, {{"d.nonfinite", 3}, {"g.nonfinite", 0}}, {}});
  EXPECT_EQ(count_of(render_report(run_), "class=\"chart\""), 1u);
}

TEST(ReportChart, OddSeriesGiveFiniteCoordinates) {
  const ChartSeries cases[] = {
      {"none", {}},
      {"one", {{5, 2}}},
      {"constant", {{1, 3}, {2, 3}, {3, 3}}},
      {"zero", {{0, 0}, {0, 0}}},
      {"holes", {{1, NAN}, {2, INFINITY}, {3, 1}, {4, -INFINITY}, {5, 2}}},
      {"nothing finite", {{1, NAN}, {2, NAN}}},
      {"huge", {{1, 1e300}, {2, -1e300}}},
      {"tiny", {{1, 1e-300}, {2, 2e-300}}},
  };
  for (const ChartSeries& series : cases) {
    const std::string chart = render_chart("t", {series});
    const std::string svg = chart.substr(0, chart.find("<figcaption>"));
    EXPECT_EQ(svg.find("nan"), std::string::npos) << series.name;
    EXPECT_EQ(svg.find("inf"), std::string::npos) << series.name;
    EXPECT_LT(chart.size(), 20'000u) << series.name;
  }
}

TEST(ReportChart, ManyPointsAreThinnedAndSpikesCut) {
  ChartSeries series = {"loss", {}};
  for (int i = 0; i < 100'000; ++i) series.points.emplace_back(i, i == 777 ? 1e6 : i % 5);
  const std::string chart = render_chart("loss", {series});
  EXPECT_LT(chart.size(), 60'000u);
  EXPECT_NE(chart.find("1 beyond the edge"), std::string::npos);
}

}  // namespace
}  // namespace gantry
