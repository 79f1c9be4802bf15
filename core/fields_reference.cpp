// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "core/error.h"
#include "core/fields_ranges.h"
#include "core/fields_reader.h"
#include "core/fields_shape.h"

namespace gantry {
namespace {

using FieldKind = FieldShape::Kind;

std::string code(const std::string& text) { return "`" + text + "`"; }

std::string with_range(const char* type, bool bounded, const std::string& range) {
  return bounded ? concat(type, ", ", range) : type;
}

std::string type_text(const FieldShape& f) {
  const bool int_bounds = bounded_below(f.integers) || bounded_above(f.integers);
  const bool real_bounds = bounded_below(f.reals) || bounded_above(f.reals);
  const std::string integers = with_range("integer", int_bounds, range_text(f.integers));
  const std::string reals = with_range("number", real_bounds, range_text(f.reals));
  const std::string items = "list of " + items_text(f.min_items, f.max_items);
  switch (f.kind) {
    case FieldKind::kInteger:
      return integers;
    case FieldKind::kReal:
      return reals;
    case FieldKind::kOptionalReal:
      return reals + ", or null";
    case FieldKind::kFlag:
      return "true or false";
    case FieldKind::kText:
      return "string";
    case FieldKind::kIntegers:
      return items + "integers" + integers.substr(7);
    case FieldKind::kReals:
      return items + "numbers" + reals.substr(6);
    case FieldKind::kTexts:
      return items + "strings";
    case FieldKind::kPair:
      return integers + ", or [vertical, horizontal]";
    case FieldKind::kPadding:
      return "integer, [vertical, horizontal], [top, bottom, left, right], `\"same\"` or "
             "`\"valid\"`";
    case FieldKind::kChoice: {
      std::string text;
      for (const std::string& name : f.names)
        text += (text.empty() ? "`\"" : ", `\"") + name + "\"`";
      return text;
    }
    case FieldKind::kObject:
      return "object";
    case FieldKind::kList:
      return "list of objects";
  }
  return "";
}

std::string default_text(const FieldShape& f) {
  if (f.required) return "**required**";
  if (f.kind == FieldKind::kObject || f.initial.kind == JsonValue::Kind::kNull) return "";
  // 5, not 5.0: as people write it.
  const double real = f.initial.real;
  const bool whole = f.initial.kind == JsonValue::Kind::kReal &&
                     static_cast<double>(static_cast<int64_t>(real)) == real;
  return code(whole ? std::to_string(static_cast<int64_t>(real)) : write_json_line(f.initial));
}

class Reference {
 public:
  std::string take() { return std::move(out_); }

  // `place` "optimizer.g"; `depth` of the heading.
  void section(const ObjectShape& shape, const std::string& place) {
    const std::string keys = body(shape, place);
    const auto [first, is_first] = seen_.try_emplace(keys, place);
    if (!is_first) {
      out_ += "The same keys as " + code(first->second) + ".\n\n";
      return;
    }
    out_ += keys;
    subsections(shape, place);
  }

 private:
  std::string row(const FieldShape& f, const std::string& place) const {
    const std::string inner = place.empty() ? f.key : place + "." + f.key;
    const std::string link = f.inner ? concat(" ([below](#", anchor(inner), "))") : "";
    return concat("| `", f.key, "` | ", type_text(f), link, " | ", default_text(f), " | ", f.doc,
                  " |\n");
  }

  static std::string table(const std::string& rows) {
    return rows.empty() ? "" : "| key | value | default | |\n|---|---|---|---|\n" + rows + "\n";
  }

  std::string body(const ObjectShape& shape, const std::string& place) const {
    std::string rows;
    for (const FieldShape& f : shape.fields) rows += row(f, place);
    std::string text = table(rows);
    for (const VariantShape& variant : shape.variants) {
      text += alternatives(shape.fields[variant.tag], variant, place);
    }
    return text;
  }

  // Rows that most alternatives share come first, once, by the alternatives that lack them.
  std::string alternatives(const FieldShape& tag, const VariantShape& variant,
                           const std::string& place) const {
    std::map<std::string, std::vector<std::string>> lacking;  // row -> names
    for (const ObjectShape& owner : variant.alternatives) {
      for (const FieldShape& f : owner.fields) {
        const std::string text = row(f, place);
        if (lacking.contains(text)) continue;
        for (size_t i = 0; i < tag.names.size(); ++i) {
          if (!has_row(variant.alternatives[i], text, place)) lacking[text].push_back(tag.names[i]);
        }
        lacking.try_emplace(text);
      }
    }
    std::string text = common_rows(tag, variant, place, lacking), plain;
    for (size_t i = 0; i < tag.names.size(); ++i) {
      ObjectShape rest = variant.alternatives[i];
      std::string rows;
      for (const FieldShape& f : rest.fields) {
        if (!is_common(lacking.at(row(f, place)), tag)) rows += row(f, place);
      }
      std::string inner = table(rows);
      for (const VariantShape& nested : rest.variants) {
        inner += alternatives(rest.fields[nested.tag], nested, place);
      }
      if (inner.empty()) {
        plain += (plain.empty() ? "`\"" : ", `\"") + tag.names[i] + "\"`";
      } else {
        text += concat("With `\"", tag.key, "\": \"", tag.names[i], "\"`:\n\n", inner);
      }
    }
    const bool all = text.empty();
    return plain.empty() || all ? text : concat(text, "No further keys: ", plain, ".\n\n");
  }

  static bool is_common(const std::vector<std::string>& lacking, const FieldShape& tag) {
    return 2 * lacking.size() < tag.names.size();
  }

  bool has_row(const ObjectShape& shape, const std::string& text, const std::string& place) const {
    for (const FieldShape& f : shape.fields) {
      if (row(f, place) == text) return true;
    }
    return false;
  }

  std::string common_rows(const FieldShape& tag, const VariantShape& variant,
                          const std::string& place,
                          const std::map<std::string, std::vector<std::string>>& lacking) const {
    std::vector<std::string> headings;
    std::map<std::string, std::string> rows_under;
    std::map<std::string, bool> written;
    for (const ObjectShape& owner : variant.alternatives) {
      for (const FieldShape& f : owner.fields) {
        const std::string text = row(f, place);
        const std::vector<std::string>& without = lacking.at(text);
        if (!is_common(without, tag) || written[text]) continue;
        written[text] = true;
        std::string heading = concat("With any `", tag.key, "`");
        for (size_t i = 0; i < without.size(); ++i) {
          heading += concat(i == 0 ? " but `\"" : ", `\"", without[i], "\"`");
        }
        if (!rows_under.contains(heading)) headings.push_back(heading);
        rows_under[heading] += text;
      }
    }
    std::string text;
    for (const std::string& heading : headings) {
      text += heading + ":\n\n" + table(rows_under[heading]);
    }
    return text;
  }

  // `when`: for which alternative these keys are, " with type `x`"; only where others differ.
  void subsections(const ObjectShape& shape, const std::string& place,
                   const std::string& when = "") {
    for (const FieldShape& f : shape.fields) {
      if (!f.inner) continue;
      const std::string inner = place.empty() ? f.key : place + "." + f.key;
      const auto [other, is_first] = at_.try_emplace(inner, body(*f.inner, inner));
      if (!is_first && other->second == body(*f.inner, inner)) continue;
      out_ += concat(place.empty() ? "## " : "### ", inner, is_first ? "" : when, "\n\n", f.doc,
                     "\n\n");
      section(*f.inner, inner);
    }
    for (const VariantShape& variant : shape.variants) {
      const FieldShape& tag = shape.fields[variant.tag];
      for (size_t i = 0; i < variant.alternatives.size(); ++i) {
        subsections(variant.alternatives[i], place,
                    concat(" with ", tag.key, " `", tag.names[i], "`"));
      }
    }
  }

  // What GitHub makes of a heading.
  static std::string anchor(const std::string& heading) {
    std::string text;
    for (const char c : heading) {
      if (c != '.') text += c;
    }
    return text;
  }

  std::string out_;
  std::map<std::string, std::string> seen_;  // body -> where it is written out
  std::map<std::string, std::string> at_;    // place -> the body first shown for it
};

}  // namespace

std::string reference_of(const ObjectShape& shape) {
  Reference reference;
  reference.section(shape, "");
  return reference.take();
}

}  // namespace gantry
