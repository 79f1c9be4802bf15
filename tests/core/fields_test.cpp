// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "core/fields_reader.h"
#include "core/fields_shape.h"
#include "core/fields_writer.h"

namespace gantry {
namespace {

constexpr const char* kColours[] = {"red", "green", "blue"};
constexpr const char* kKinds[] = {"circle", "box"};

struct Item {
  std::string kind = "circle";
  double radius = 1;
  std::array<int64_t, 2> sides = {1, 1};

  void describe(Fields& f) {
    f.variant(
        {"kind", "Which.", true}, kind, kKinds, [this](const std::string& k) { kind = k; },
        [this](Fields& g) {
          if (kind == "circle") g.real({"radius", "How far."}, radius, {.min = 0});
          if (kind == "box") g.pair({"sides", "How wide.", true}, sides, {.min = 1});
        });
  }
};

// One of everything.
struct Sample {
  int64_t count = 3;
  double rate = 0.5;
  std::optional<double> limit;
  bool on = false;
  std::string label;
  std::vector<int64_t> sizes;
  std::vector<double> range = {0, 1};
  std::vector<std::string> tags;
  Padding padding;
  size_t colour = 0;
  bool extra = false;
  int64_t depth = 0;
  std::vector<Item> items;

  void describe(Fields& f) {
    f.integer({"count", "How many.", true}, count, {.min = 1, .max = 10});
    f.real({"rate", "How often."}, rate, {.min = 0, .max = 1, .open_max = true});
    f.optional_real({"limit", "How far."}, limit);
    f.flag({"on", "Whether."}, on);
    f.text({"label", "What."}, label);
    f.integers({"sizes", "Sizes."}, sizes, {.min = 0}, 0, 3);
    f.reals({"range", "Range."}, range, {}, 2, 2);
    f.texts({"tags", "Tags."}, tags, 0, 8);
    f.padding({"padding", "Around."}, padding);
    f.choice({"colour", "Colour."}, colour, kColours);
    f.object(
        {"extra", "More."},
        [this](Fields& g) {
          g.integer({"depth", "How deep."}, depth, {.min = 0});
        },
        &extra);
    f.list(
        {"items", "Things."}, items.size(), [this](size_t n) { items.resize(n); },
        [this](size_t i, Fields& g) { items[i].describe(g); });
    f.require(range[0] < range[1], "range", "the first must be below the second");
  }
};

Sample read(const std::string& text) {
  Sample sample;
  read_fields(parse_json(text, "t.json"), [&](Fields& f) { sample.describe(f); });
  return sample;
}

std::string failure(const std::string& text) {
  try {
    read(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(FieldsReader, ReadsEveryKind) {
  const Sample s = read(R"({"$schema": "x", "count": 7, "rate": 0, "limit": 2.5, "on": true,
      "label": "é", "sizes": [1, 2], "range": [-1, 1], "tags": ["a"], "padding": [0, 1, 2, 3],
      "colour": "blue", "extra": {"depth": 4},
      "items": [{"radius": 2, "kind": "circle"}, {"kind": "box", "sides": [2, 3]}]})");
  EXPECT_EQ(s.count, 7);
  EXPECT_EQ(s.rate, 0);
  EXPECT_EQ(s.limit, 2.5);
  EXPECT_TRUE(s.on);
  EXPECT_EQ(s.label, "é");
  EXPECT_EQ(s.sizes, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(s.range, (std::vector<double>{-1, 1}));
  EXPECT_EQ(s.padding.right, 3);
  EXPECT_EQ(s.colour, 2u);
  EXPECT_TRUE(s.extra);
  EXPECT_EQ(s.depth, 4);
  ASSERT_EQ(s.items.size(), 2u);
  EXPECT_EQ(s.items[0].radius, 2);
  EXPECT_EQ(s.items[1].sides, (std::array<int64_t, 2>{2, 3}));
}

TEST(FieldsReader, AbsentKeysKeepTheirDefaults) {
  const Sample s = read(R"({"count": 1, "limit": null})");
  EXPECT_EQ(s.rate, 0.5);
  EXPECT_FALSE(s.limit);
  EXPECT_FALSE(s.extra);
}

TEST(FieldsReader, ReadsEveryFormOfPadding) {
  const auto padding = [](const std::string& value) {
    const Padding p = read("{\"count\": 1, \"padding\": " + value + "}").padding;
    return std::vector<int64_t>{p.same, p.top, p.bottom, p.left, p.right};
  };
  EXPECT_EQ(padding("2"), (std::vector<int64_t>{0, 2, 2, 2, 2}));
  EXPECT_EQ(padding("[1, 2]"), (std::vector<int64_t>{0, 1, 1, 2, 2}));
  EXPECT_EQ(padding("[1, 2, 3, 4]"), (std::vector<int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(padding("\"same\""), (std::vector<int64_t>{1, 0, 0, 0, 0}));
  EXPECT_EQ(padding("\"valid\""), (std::vector<int64_t>{0, 0, 0, 0, 0}));
}

TEST(FieldsReader, NamesPlaceValueAndRemedy) {
  const std::pair<const char*, const char*> cases[] = {
      {R"([])", "t.json:1:1: (top level): must be an object, found [] (a list)"},
      {R"({})", "t.json:1:1: (top level): missing key \"count\", which must be given: How many."},
      {R"({"count": "7"})", "t.json:1:11: /count: must be an integer, found \"7\" (a string)"},
      {R"({"count": 7.0})", "/count: must be an integer, found 7.0; write 7"},
      {R"({"count": 7.5})", "/count: must be an integer, found 7.5 (a real number)"},
      {R"({"count": true})", "/count: must be an integer, found true (a boolean)"},
      {R"({"count": null})", "/count: must be an integer, found null"},
      {R"({"count": 0})", "/count: must be at least 1 and at most 10, found 0"},
      {R"({"count": 11})", "/count: must be at least 1 and at most 10, found 11"},
      {R"({"count": 1, "rate": 1})", "/rate: must be at least 0 and below 1, found 1"},
      {R"({"count": 1, "rate": "0.1"})", "/rate: must be a number, found \"0.1\" (a string)"},
      {R"({"count": 1, "limit": 1e39})", "/limit: must be a number that a 32-bit float can hold"},
      {R"({"count": 1, "limit": 1e-60})", "/limit: 1e-60 becomes 0 as a 32-bit float"},
      {R"({"count": 1, "on": 1})", "/on: must be true or false, found 1 (an integer)"},
      {R"({"count": 1, "label": 1})", "/label: must be a string, found 1"},
      {R"({"count": 1, "label": "a\u0000b"})", "/label: must have no control characters"},
      {R"({"count": 1, "sizes": 1})", "/sizes: must be a list of 0 to 3 integers, found 1"},
      {R"({"count": 1, "sizes": [1, -1]})", "/sizes/1: must be at least 0, found -1"},
      {R"({"count": 1, "range": [1]})", "/range: must be a list of 2 numbers, found 1: [1]"},
      {R"({"count": 1, "range": [1, 0]})",
       "/range: the first must be below the second, found [1, 0]"},
      {R"({"count": 1, "tags": [1]})", "/tags/0: must be a string"},
      {R"({"count": 1, "padding": [1, 2, 3]})", "/padding: must be an integer, [vertical"},
      {R"({"count": 1, "padding": -1})", "/padding: must be at least 0"},
      {R"({"count": 1, "padding": "full"})", "\"same\" or \"valid\""},
      {R"({"count": 1, "colour": "gren"})",
       "/colour: found \"gren\", did you mean \"green\"?; must be one of \"red\", \"green\" or "
       "\"blue\""},
      {R"({"count": 1, "colour": 2})", "/colour: must be one of \"red\""},
      {R"({"count": 1, "extra": 1})", "/extra: must be an object"},
      {R"({"count": 1, "extra": {"dept": 1}})",
       "/extra/dept: unknown key, did you mean \"depth\"?; valid keys: \"depth\""},
      {R"({"count": 1, "ietms": []})", "/ietms: unknown key, did you mean \"items\"?"},
      {R"({"count": 1, "zzzzzz": []})", "/zzzzzz: unknown key; valid keys: \"count\", \"rate\""},
      {R"({"count": 1, "a/b~": 1})", "/a~1b~0: unknown key"},
      {R"({"count": 1, "a\u0000\nb": 1})", R"(t.json:1:28: /a\u0000\u000ab: unknown key)"},
      {R"({"count": 1, "items": {}})", "/items: must be a list of objects"},
      {R"({"count": 1, "items": [1]})", "/items/0: must be an object"},
      {R"({"count": 1, "items": [{}]})",
       "/items/0: missing key \"kind\", which must be given: Which. One of \"circle\" or \"box\"."},
      {R"({"count": 1, "items": [{"kind": "Circle"}]})", "did you mean \"circle\"?"},
      {R"({"count": 1, "items": [{"kind": "box", "sides": 1, "radius": 1}]})",
       "/items/0/radius: unknown key for kind \"box\"; valid keys: \"kind\" or \"sides\""},
      {R"({"count": 1, "items": [{"kind": "box"}]})", "missing key \"sides\""},
      {R"({"count": 1, "extra": {"$schema": "x"}})", "/extra/$schema: unknown key"},
  };
  for (const auto& [text, part] : cases) {
    const std::string message = failure(text);
    EXPECT_NE(message.find(part), std::string::npos) << text << "\n" << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST(FieldsReader, ReportsAllProblemsAtOnceUpToALimit) {
  const std::string three = failure(R"({"coutn": 1, "on": 3, "colour": "x"})");
  EXPECT_EQ(std::count(three.begin(), three.end(), '\n'), 3) << three;  // and the missing count
  std::string unknown = "{\"count\": 1";
  for (int i = 0; i < 50; ++i) unknown += concat(", \"key", i, "\": 0");
  const std::string message = failure(unknown + "}");
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 20);
  EXPECT_NE(message.find("and 30 more problems"), std::string::npos);
}

TEST(FieldsWriter, WritesWhatReadsBackTheSame) {
  Sample s = read(R"({"count": 7, "limit": 2.5, "padding": [0, 1, 2, 3], "extra": {},
      "items": [{"kind": "box", "sides": [2, 3]}, {"kind": "circle", "radius": 0.1}]})");
  const auto written = [](Sample& sample) {
    return write_json_line(write_fields([&](Fields& f) { sample.describe(f); }));
  };
  const std::string text = written(s);
  EXPECT_EQ(text,
            R"({"count": 7, "rate": 0.5, "limit": 2.5, "on": false, "label": "", "sizes": [], )"
            R"("range": [0.0, 1.0], "tags": [], "padding": [0, 1, 2, 3], "colour": "red", )"
            R"("extra": {"depth": 0}, "items": [{"kind": "box", "sides": [2, 3]}, )"
            R"({"kind": "circle", "radius": 0.1}]})");
  Sample again = read(text);
  EXPECT_EQ(written(again), text);
}

TEST(FieldsShape, CollectsAlternativesAndLeavesDefaultsAlone) {
  Sample sample;
  const ObjectShape shape = shape_of([&](Fields& f) { sample.describe(f); });
  ASSERT_EQ(shape.fields.size(), 12u);
  const ObjectShape& item = *shape.fields.back().inner;
  ASSERT_EQ(item.variants.size(), 1u);
  ASSERT_EQ(item.variants[0].alternatives.size(), 2u);
  EXPECT_EQ(item.variants[0].alternatives[1].fields[0].key, "sides");
  EXPECT_TRUE(sample.items.empty());
}

TEST(FieldsShape, SchemaAllowsNoOtherKeysAndTellsAlternativesApart) {
  Sample sample;
  const JsonValue schema = schema_of(shape_of([&](Fields& f) { sample.describe(f); }), "T");
  const JsonValue& properties = *schema.find("properties");
  EXPECT_EQ(write_json_line(*schema.find("additionalProperties")), "false");
  EXPECT_EQ(write_json_line(*schema.find("required")), "[\"count\"]");
  EXPECT_EQ(write_json_line(*properties.find("$schema")), R"({"type": "string"})");
  EXPECT_EQ(write_json_line(*properties.find("count")),
            R"({"type": "integer", "minimum": 1, "maximum": 10, "description": "How many."})");
  const JsonValue& item = *properties.find("items")->find("items");
  EXPECT_EQ(write_json_line(item.find("allOf")->items[1]),
            R"({"if": {"properties": {"kind": {"const": "box"}}, "required": ["kind"]}, )"
            R"("then": {"properties": {"sides": {"anyOf": [{"type": "integer", "minimum": 1}, )"
            R"({"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2, )"
            R"("maxItems": 2}], "description": "How wide."}, "radius": false}, )"
            R"("required": ["sides"]}})");
}

// Members that are floats are described as doubles; the reference shows what was written.
TEST(FieldsShape, DefaultsThatAreFloatsAreShort) {
  double slope = static_cast<double>(0.2f), exact = 0.1;
  std::optional<double> limit = static_cast<double>(0.3f);
  const ObjectShape shape = shape_of([&](Fields& f) {
    f.real({"slope", "Slope."}, slope);
    f.real({"exact", "Exact."}, exact);
    f.optional_real({"limit", "Limit."}, limit);
  });
  EXPECT_EQ(write_json_line(shape.fields[0].initial), "0.2");
  EXPECT_EQ(write_json_line(shape.fields[1].initial), "0.1");
  EXPECT_EQ(write_json_line(shape.fields[2].initial), "0.3");
  EXPECT_NE(reference_of(shape).find("| `0.2` |"), std::string::npos);
}

TEST(FieldsNames, FindsSlipsOfThePen) {
  const std::vector<std::string> names = {"leaky_relu", "conv", "conv_transpose", "init", "units"};
  EXPECT_EQ(nearest_name("LeakyReLU", names), "leaky_relu");
  EXPECT_EQ(nearest_name("conv2d", names), "conv");
  EXPECT_EQ(nearest_name("unit", names), "units");
  EXPECT_EQ(nearest_name("uints", names), "units");
  EXPECT_EQ(nearest_name("banana", names), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'a'), names), "");
}

}  // namespace
}  // namespace gantry
