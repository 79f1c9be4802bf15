// SPDX-License-Identifier: Apache-2.0
// What the commands beside train, resume and sample say and write when all is well, and that each
// kind of damaged data ends `data info` with the code of bad data.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/build_info.h"
#include "core/safetensors.h"
#include "tests/tools/run_fixture.h"
#include "tests/train/bad_inputs.h"
#include "train/config_file.h"

namespace gantry {
namespace {

using nlohmann::json;

class Commands : public Run {
 protected:
  static std::string output_of(const std::vector<std::string>& words) {
    const Ending ending = run_gantry(words);
    EXPECT_EQ(ending.exit_code, 0) << words[0] << ": " << ending.output;
    return ending.output;
  }

  // The JSON object in an output that begins with lines for people.
  static json object_in(const std::string& output) {
    const size_t begin = output.find("\n{");
    if (begin == std::string::npos) return {};
    return json::parse(output.substr(begin, output.rfind('}') - begin + 1), nullptr, false);
  }
};

void expect_parts(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(text.find(part), std::string::npos) << "no \"" << part << "\" in:\n" << text;
  }
}

TEST_F(Commands, CheckInfersTheShapesOfEveryShippedConfig) {
  namespace fs = std::filesystem;
  for (const auto& entry : fs::recursive_directory_iterator(GANTRY_SOURCE_DIR "/configs")) {
    if (entry.path().extension() != ".json") continue;
    const std::string output = output_of({"check", entry.path()});
    EXPECT_NE(output.find(" -> "), std::string::npos) << output;
    EXPECT_NE(output.find(entry.path().string() + ": ok"), std::string::npos) << output;
  }
}

TEST_F(Commands, VersionNamesTheBuild) {
  expect_parts(output_of({"version"}),
               {concat("gantry ", build_version(), "\n"), build_compiler(), "backends  cpu"});
}

TEST_F(Commands, SchemaIsJsonOfAllKeysAndTheReferenceIsThatInDocs) {
  const json schema = json::parse(output_of({"schema"}), nullptr, false);
  ASSERT_TRUE(schema.is_object());
  for (const char* key : {"data", "latent", "generator", "objective", "optimizer", "train"}) {
    EXPECT_TRUE(schema.at("properties").contains(key)) << key;
  }
  EXPECT_TRUE(output_of({"schema", "--reference"}) == config_reference());
}

TEST_F(Commands, DataInfoAndVerifyCountTheSamples) {
  expect_parts(output_of({"data", "info", config()}),
               {"source   glyphs", "samples  96", "shape    [1, 8, 8]", "values   -1 to 1"});
  expect_parts(output_of({"data", "info", config(), "data.classes=[3]"}), {"samples  10"});
  const std::string manifest = dir("manifest");
  expect_parts(output_of({"data", "verify", config(), "--manifest", manifest}),
               {"96 good, 0 bad, 0 duplicates"});
  const std::string lines = read_file(manifest);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 96);
  const std::string mnist = GANTRY_SOURCE_DIR "/data/mnist";
  expect_parts(output_of({"data", "info", mnist}), {"samples  10000", "shape    [1, 28, 28]"});
}

TEST_F(Commands, TraceWritesEverySafetensorsFileThatItPromises) {
  const fs::path out = dir("trace");
  output_of({"trace", config(), "--steps", "2", "--out", out.string()});
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(out)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names,
            (std::vector<std::string>{"config.json", "initial.safetensors",
                                      "step-000001.safetensors", "step-000002.safetensors"}));
  EXPECT_EQ(load_config((out / "config.json").string()).config.name, "tiny");
  std::set<std::string> tensors;
  const SafetensorsFile step = read_safetensors(out / "step-000002.safetensors");
  for (const HostTensor& tensor : step.tensors) tensors.insert(tensor.name);
  for (const char* name : {"d1.m1.real", "d1.m1.latent", "d1.grad.d.conv1.weight", "g1.loss",
                           "g1.grad.g.dense1.weight", "g1.after.g.dense1.weight"}) {
    EXPECT_TRUE(tensors.contains(name)) << name;
  }
}

TEST_F(Commands, BenchTellsSpeedInWordsAndInJson) {
  const std::vector<std::string> words = {"bench", config(), "--steps", "3", "--warmup", "1"};
  expect_parts(output_of(words), {"median of 3", "images/s at batch 16", "GFLOP/s", "first step"});
  std::vector<std::string> as_json = words;
  as_json.emplace_back("--json");
  const json figures = object_in(output_of(as_json));
  ASSERT_TRUE(figures.is_object());
  EXPECT_EQ(figures.at("steps"), 3);
  EXPECT_EQ(figures.at("batch"), 16);
  for (const char* key : {"ms_per_step", "images_per_second", "gflops", "peak_gflops", "peak_share",
                          "peak_rss_bytes", "start_to_first_step_s"}) {
    EXPECT_GT(figures.at(key).get<double>(), 0) << key;
  }
  EXPECT_LE(figures.at("ms_per_step_min"), figures.at("ms_per_step"));
}

TEST_F(Commands, DataInfoOfDamagedDataExitsWith3) {
  std::vector<testing::BadInput> inputs = testing::bad_idx_files();
  for (const auto& more : {testing::bad_images(), testing::bad_arrays()}) {
    inputs.insert(inputs.end(), more.begin(), more.end());
  }
  for (const testing::BadInput& input : inputs) {
    const testing::ScratchFolder folder;
    const DataConfig data = input.make_in(folder);
    const char* const split = data.split == DataSplit::kTest ? R"(, "split": "test")" : "";
    const std::string override = concat(R"(data={"source": ")", data_source_name(data.source),
                                        R"(", "path": ")", data.path, "\"", split, "}");
    const Ending ending = run_gantry({"data", "info", config(), override});
    EXPECT_EQ(ending.exit_code, 3) << input.name << ": " << ending.output;
    EXPECT_NE(ending.output.find(data.path), std::string::npos) << ending.output;
  }
}

}  // namespace
}  // namespace gantry
