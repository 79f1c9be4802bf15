// SPDX-License-Identifier: Apache-2.0
#include "train/agreement.h"

#include <algorithm>

namespace gantry {
namespace {

using Counts = std::vector<std::vector<int64_t>>;  // per value of a code, per class

size_t largest(const double* values, size_t count) {
  return static_cast<size_t>(std::max_element(values, values + count) - values);
}

CodeMeaning meaning(const std::string& name, const Counts& counts, int64_t samples) {
  CodeMeaning result{name, 0, {}, {}};
  int64_t right = 0;
  for (const std::vector<int64_t>& row : counts) {
    const auto most = std::max_element(row.begin(), row.end());
    int64_t of_value = 0;
    for (const int64_t count : row) of_value += count;
    result.class_of.push_back(static_cast<size_t>(most - row.begin()));
    result.share_of.push_back(
        of_value > 0 ? static_cast<double>(*most) / static_cast<double>(of_value) : 0);
    right += *most;
  }
  result.purity = static_cast<double>(right) / static_cast<double>(samples);
  return result;
}

// Which value each categorical code has in a latent.
class CodeReader {
 public:
  explicit CodeReader(const LatentConfig& latent) {
    int64_t offset = latent.size;
    for (size_t i = 0; i < latent.codes.size(); ++i) {
      const CodeConfig& code = latent.codes[i];
      if (code.type == CodeConfig::Type::kCategorical) {
        codes_.push_back({latent.code_name(i), offset, code.classes});
      }
      offset += code.width();
    }
  }

  struct Code {
    std::string name;
    int64_t offset, values;
  };
  const std::vector<Code>& codes() const { return codes_; }

  static size_t value(const Code& code, const float* latent) {
    const float* first = latent + code.offset;
    return static_cast<size_t>(std::max_element(first, first + code.values) - first);
  }

 private:
  std::vector<Code> codes_;
};

}  // namespace

AgreementMeter::AgreementMeter(const System& g, Sampler& sampler, Classifier& classifier)
    : g_(g), sampler_(sampler), classifier_(classifier) {
  if (g.sample.shape != classifier.sample()) {
    throw ConfigError(concat("--classifier: it was trained on samples of ",
                             to_string(classifier.sample()), " (NxCxHxW), this run makes ",
                             to_string(g.sample.shape)));
  }
  if (g.classes_of_samples() > 0 && g.classes_of_samples() != classifier.classes()) {
    throw ConfigError(concat("--classifier: it knows ", classifier.classes(),
                             " classes, this run has ", g.classes_of_samples()));
  }
  if (g.classes_of_samples() == 0 && CodeReader(g.config.latent).codes().empty()) {
    throw ConfigError(
        "--classifier: this run's generator takes neither labels nor categorical codes, so there "
        "is nothing to agree with");
  }
}

AgreementMeter::Part AgreementMeter::draw(uint64_t seed, int64_t first, int64_t count) {
  Part part;
  part.latents = sampler_.draw_latents(seed, static_cast<uint32_t>(first), count);
  const int64_t classes = g_.classes_of_samples();
  for (int64_t i = first; i < first + count && classes > 0; ++i) {
    part.labels.push_back(static_cast<float>(i % classes));
  }
  part.logits = classifier_.logits(sampler_.images(part.latents, part.labels), range_of(g_));
  return part;
}

Agreement AgreementMeter::measure(uint64_t seed, int64_t count) {
  constexpr int64_t kPart = 1000;
  const auto classes = static_cast<size_t>(classifier_.classes());
  const CodeReader reader(g_.config.latent);
  std::vector<Counts> counts;
  for (const CodeReader::Code& code : reader.codes()) {
    counts.emplace_back(static_cast<size_t>(code.values), std::vector<int64_t>(classes));
  }
  Agreement result;
  result.samples = count;
  if (g_.classes_of_samples() > 0) result.asked.emplace(classifier_.classes());
  const auto width = static_cast<size_t>(g_.latent_shape(1).elements());
  for (int64_t first = 0; first < count; first += kPart) {
    const Part part = draw(seed, first, std::min(kPart, count - first));
    if (result.asked) result.asked->add(part.logits, part.labels);
    for (size_t i = 0; i * width < part.latents.size(); ++i) {
      const size_t seen = largest(part.logits.data() + i * classes, classes);
      for (size_t k = 0; k < counts.size(); ++k) {
        const size_t value = CodeReader::value(reader.codes()[k], part.latents.data() + i * width);
        ++counts[k][value][seen];
      }
    }
  }
  for (size_t k = 0; k < counts.size(); ++k) {
    result.codes.push_back(meaning(reader.codes()[k].name, counts[k], count));
  }
  return result;
}

}  // namespace gantry
