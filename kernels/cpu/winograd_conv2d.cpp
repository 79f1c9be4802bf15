// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/winograd_conv2d.h"

#include <algorithm>
#include <vector>

#include "core/planner.h"
#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/tile_product.h"
#include "kernels/cpu/winograd_tiles.h"

namespace gantry {
namespace {

using Order = WinogradTiles::Order;

// Tiles of a block, of both sides; more where the filters are larger still.
constexpr int64_t kBlockBytes = int64_t{4} << 20;

int64_t bytes(int64_t planes, int64_t rows, int64_t columns) {
  const int64_t size =
      planes * WinogradTiles::plane(rows, columns) * static_cast<int64_t>(sizeof(float));
  const auto alignment = static_cast<int64_t>(kArenaAlignment);
  return (size + alignment - 1) / alignment * alignment;
}

int64_t filter_bytes(const Conv2dDesc& d, const WinogradTiles& tiles) {
  return bytes(tiles.planes(), d.y.c, tiles.depth());
}

// The largest divisor of the batch whose tiles stay within a block.
int64_t samples_of_block(const Conv2dDesc& d, const std::vector<WinogradTiles>& cover) {
  int64_t limit = kBlockBytes, one = 1;
  for (const WinogradTiles& tiles : cover) {
    limit = std::max(limit, filter_bytes(d, tiles));
    one = std::max(one, bytes(tiles.planes(), tiles.per_sample(), tiles.depth() + d.y.c));
  }
  int64_t samples = std::clamp<int64_t>(limit / one, 1, d.x.n);
  while (d.x.n % samples > 0) --samples;
  return samples;
}

// The tiles of one size, and where their parts lie in the scratch.
struct Part {
  WinogradTiles tiles;
  TileProduct product;  // of a block
  int64_t filter_at = 0;
};

class WinogradConv2d final : public Kernel {
 public:
  WinogradConv2d(const Conv2dDesc& d, Conv2dPass pass, int threads,
                 const std::vector<WinogradTiles>& cover)
      : d_(d), pass_(pass), threads_(threads), samples_(samples_of_block(d, cover)) {
    for (const WinogradTiles& tiles : cover) {
      parts_.push_back({tiles, product(tiles), filters_});
      const int64_t rows = samples_ * tiles.per_sample();
      filters_ += filter_bytes(d, tiles);
      inputs_ = std::max(inputs_, bytes(tiles.planes(), rows, tiles.depth()));
      outputs_ = std::max(outputs_, bytes(tiles.planes(), rows, d.y.c));
    }
  }

  size_t scratch_bytes() const override {
    return static_cast<size_t>(filters_ + inputs_ + outputs_);
  }

  void run(Stream&, std::span<const TensorView> args, void* scratch) const override {
    auto* at = static_cast<char*>(scratch);
    const Work work{at, reinterpret_cast<float*>(at + filters_),
                    reinterpret_cast<float*>(at + filters_ + inputs_)};
    switch (pass_) {
      case Conv2dPass::kForward:
        forward(args, work);
        return;
      case Conv2dPass::kBackwardData:
        backward_data(args, work);
        return;
      case Conv2dPass::kBackwardWeights:
        backward_weights(args, work);
        return;
    }
  }

 private:
  struct Work {
    char* filters;
    float *input, *output;  // transformed, of a block and part

    float* filter(const Part& part) const {
      return reinterpret_cast<float*>(filters + part.filter_at);
    }
  };

  TileProduct product(const WinogradTiles& tiles) const {
    const int64_t rows = samples_ * tiles.per_sample(), depth = tiles.depth(), out = d_.y.c;
    const int64_t input = WinogradTiles::plane(rows, depth);
    const int64_t output = WinogradTiles::plane(rows, out);
    const int64_t filter = WinogradTiles::plane(out, depth);
    switch (pass_) {
      case Conv2dPass::kForward:
        return {tiles.planes(), rows, out, depth, depth, 1, input, filter, output};
      case Conv2dPass::kBackwardData:
        return {tiles.planes(), rows, depth, out, out, 1, output, filter, input};
      case Conv2dPass::kBackwardWeights:
        return {tiles.planes(), out, depth, rows, 1, out, output, input, filter};
    }
    return {};
  }

  void forward(std::span<const TensorView> args, const Work& work) const {
    for (const Part& part : parts_) {
      part.tiles.filter_transposed(args[2].as<float>(), work.filter(part));
    }
    for (int64_t n = 0; n < d_.x.n; n += samples_) {
      const float* x = args[1].as<float>() + n * d_.x.per_sample();
      float* y = args[0].as<float>() + n * d_.y.per_sample();
      for (const Part& part : parts_) {
        part.tiles.input(x, samples_, Order::kRows, work.input);
        part.product.run(threads_, work.input, work.filter(part), work.output);
        part.tiles.output(work.output, samples_, y);
      }
      finish(y, d_.y, args);
    }
  }

  void backward_data(std::span<const TensorView> args, const Work& work) const {
    for (const Part& part : parts_) {
      part.tiles.filter(args[2].as<float>(), work.filter(part));
    }
    for (int64_t n = 0; n < d_.x.n; n += samples_) {
      const float* dy = args[1].as<float>() + n * d_.y.per_sample();
      float* dx = args[0].as<float>() + n * d_.x.per_sample();
      cpu::parallel_ranges(threads_, samples_ * d_.x.per_sample(), [&](int64_t begin, int64_t end) {
        std::fill(dx + begin, dx + end, 0.0f);
      });
      for (const Part& part : parts_) {
        part.tiles.output_adjoint(dy, samples_, work.output);
        part.product.run(threads_, work.output, work.filter(part), work.input);
        part.tiles.input_adjoint(work.input, samples_, dx);
      }
      finish(dx, d_.x, args);
    }
  }

  void backward_weights(std::span<const TensorView> args, const Work& work) const {
    for (int64_t n = 0; n < d_.x.n; n += samples_) {
      const float* x = args[1].as<float>() + n * d_.x.per_sample();
      const float* dy = args[2].as<float>() + n * d_.y.per_sample();
      for (const Part& part : parts_) {
        part.tiles.input(x, samples_, Order::kPanels, work.input);
        part.tiles.output_adjoint(dy, samples_, work.output);
        TileProduct product = part.product;
        product.add = n > 0;
        product.run(threads_, work.output, work.input, work.filter(part));
      }
    }
    bool add = d_.accumulate;
    for (const Part& part : parts_) {
      part.tiles.filter_adjoint(work.filter(part), add, args[0].as<float>());
      add = true;
    }
  }

  void finish(float* out, const Shape& shape, std::span<const TensorView> args) const {
    Epilogue{d_.bias, d_.activation}.run(out, samples_ * shape.pixels(), shape.c,
                                         static_cast<const float*>(args.back().data));
  }

  Conv2dDesc d_;
  Conv2dPass pass_;
  int threads_;
  int64_t samples_;  // of a block
  std::vector<Part> parts_;
  int64_t filters_ = 0, inputs_ = 0, outputs_ = 0;  // bytes
};

}  // namespace

bool winograd_pays(const Conv2dDesc& d) {
  if (!TileProduct::usable()) return false;
  // What a transformed element costs, in products (2-core AMD EPYC with AVX2).
  constexpr int64_t kPassage = 18;
  const std::vector<WinogradTiles> cover = WinogradTiles::cover(d, 1);
  int64_t cost = 0;
  for (const WinogradTiles& tiles : cover) {
    const int64_t rows = d.x.n * tiles.per_sample(), depth = tiles.depth();
    const int64_t passages = rows * depth + rows * d.y.c + depth * d.y.c;
    cost += tiles.planes() * (rows * depth * d.y.c + kPassage * passages);
  }
  return !cover.empty() && cost < d.y.elements() * d.w.per_sample();
}

std::shared_ptr<Kernel> make_winograd_conv2d(const Conv2dDesc& desc, Conv2dPass pass, int threads) {
  const std::vector<WinogradTiles> cover = WinogradTiles::cover(desc, threads);
  if (!TileProduct::usable() || cover.empty()) return nullptr;
  return std::make_shared<WinogradConv2d>(desc, pass, threads, cover);
}

}  // namespace gantry
