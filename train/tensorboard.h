// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "core/png.h"

namespace gantry {

// Writes one TensorBoard event file (TFRecord of Event protocol buffers, version "brain.Event:2").
// Every process that writes makes a file of its own; one that resumes marks its step with a
// SessionLog START, on which TensorBoard forgets what older files say of later steps.
// Failing to write is an IoError.
class TensorBoardWriter {
 public:
  using Clock = std::function<double()>;  // seconds since 1970
  static double wall_seconds();

  // The run goes on after `step`; 0 with other event files in the folder: it starts over.
  TensorBoardWriter(const std::filesystem::path& folder, uint64_t step,
                    const Clock& clock = wall_seconds);
  ~TensorBoardWriter();
  TensorBoardWriter(const TensorBoardWriter&) = delete;
  TensorBoardWriter& operator=(const TensorBoardWriter&) = delete;

  void scalar(std::string_view tag, uint64_t step, double value);
  void image(std::string_view tag, uint64_t step, const Image& image);
  const std::filesystem::path& path() const { return path_; }

 private:
  void event(uint64_t step, std::string_view field);

  std::filesystem::path path_;
  Clock clock_;
  int descriptor_ = -1;
};

uint32_t crc32c(std::string_view data);         // Castagnoli polynomial, as in RFC 3720
uint32_t masked_crc32c(std::string_view data);  // rotate right 15, plus 0xa282ead8: TFRecord

}  // namespace gantry
