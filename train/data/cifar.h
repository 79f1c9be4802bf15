// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "train/data/bytes.h"
#include "train/data/sample_set.h"

namespace gantry {

// CIFAR-10, binary version: records of one label byte and 3 x 32 x 32 bytes (planes of red, green,
// blue) in data_batch_1.bin .. data_batch_5.bin and test_batch.bin, in a folder (or its
// cifar-10-batches-bin/) or in cifar-10-binary.tar.gz.
SampleSet load_cifar10(const DataConfig& config);

// Appends the records of one file. DataError for a size that is no multiple of a record, and for
// labels above 9.
void append_cifar_records(ByteView bytes, const std::string& file, SampleStore& store);

}  // namespace gantry
