// SPDX-License-Identifier: Apache-2.0
#include "tests/models/json_reader.h"

#include <nlohmann/json.hpp>

namespace gantry::testing {

namespace {

using Json = nlohmann::json;

// Fills members from one JSON object; the least that tests of networks need.
class JsonReader : public Fields {
 public:
  explicit JsonReader(const Json& json) : json_(json) {}

  void integer(const Field& f, int64_t& v, const IntRange&) override { get(f, v); }
  void real(const Field& f, double& v, const RealRange&) override { get(f, v); }
  void optional_real(const Field& f, std::optional<double>& v, const RealRange&) override {
    if (const Json* j = find(f)) v = j->get<double>();
  }
  void flag(const Field& f, bool& v) override { get(f, v); }
  void text(const Field& f, std::string& v) override { get(f, v); }
  void integers(const Field& f, std::vector<int64_t>& v, const IntRange&, size_t, size_t) override {
    get(f, v);
  }
  void reals(const Field& f, std::vector<double>& v, const RealRange&, size_t, size_t) override {
    get(f, v);
  }
  void texts(const Field& f, std::vector<std::string>& v, size_t, size_t) override { get(f, v); }
  void pair(const Field& f, std::array<int64_t, 2>& v, const IntRange&) override {
    const Json* j = find(f);
    if (!j) return;
    if (j->is_number())
      v = {j->get<int64_t>(), j->get<int64_t>()};
    else
      v = j->get<std::array<int64_t, 2>>();
  }
  void padding(const Field& f, Padding& v) override {
    const Json* j = find(f);
    if (!j) return;
    if (j->is_string()) {
      v = {*j == "same", 0, 0, 0, 0};
    } else if (j->is_number()) {
      const auto p = j->get<int64_t>();
      v = {false, p, p, p, p};
    } else {
      v = {false, (*j)[0], (*j)[1], (*j)[2], (*j)[3]};
    }
  }
  void choice(const Field& f, size_t& v, std::span<const char* const> names) override {
    const Json* j = find(f);
    if (!j) return;
    for (size_t i = 0; i < names.size(); ++i) {
      if (*j == names[i]) v = i;
    }
  }
  void object(const Field& f, const std::function<void(Fields&)>& describe,
              bool* present) override {
    const Json* j = find(f);
    if (present) *present = j != nullptr;
    if (!j) return;
    JsonReader reader(*j);
    describe(reader);
  }
  void list(const Field& f, size_t, const std::function<void(size_t)>& resize,
            const std::function<void(size_t, Fields&)>& describe) override {
    const Json* j = find(f);
    if (!j) return;
    resize(j->size());
    for (size_t i = 0; i < j->size(); ++i) {
      JsonReader reader((*j)[i]);
      describe(i, reader);
    }
  }
  void variant(const Field& f, std::string& selected, std::span<const char* const>,
               const std::function<void(const std::string&)>& select,
               const std::function<void(Fields&)>& describe) override {
    get(f, selected);
    select(selected);
    describe(*this);
  }
  void require(bool ok, const char* key, const std::string& reason) override {
    if (!ok) throw ConfigError(concat(key, " ", reason));
  }

 private:
  const Json* find(const Field& f) const {
    const auto at = json_.find(f.key);
    if (at == json_.end()) {
      if (f.required) throw ConfigError(concat(f.key, " is missing"));
      return nullptr;
    }
    return &*at;
  }
  template <typename T>
  void get(const Field& f, T& value) {
    if (const Json* j = find(f)) value = j->get<T>();
  }

  const Json& json_;
};

}  // namespace

NetworkConfig read_network(const std::string& json) {
  const Json parsed = Json::parse(json);
  JsonReader reader(parsed);
  NetworkConfig config;
  config.describe(reader);
  return config;
}

}  // namespace gantry::testing
