// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/winograd_conv2d.h"

#include <algorithm>

#include "core/planner.h"
#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/tile_product.h"
#include "kernels/cpu/winograd_tiles.h"

namespace gantry {
namespace {

using Order = WinogradTiles::Order;
constexpr int64_t kPlanes = WinogradTiles::kPlanes;

// Tiles of a block, of both sides; more where the filters are larger still.
constexpr int64_t kBlockBytes = int64_t{8} << 20;

int64_t bytes(int64_t rows, int64_t columns) {
  const int64_t size =
      kPlanes * WinogradTiles::plane(rows, columns) * static_cast<int64_t>(sizeof(float));
  const auto alignment = static_cast<int64_t>(kArenaAlignment);
  return (size + alignment - 1) / alignment * alignment;
}

// The largest divisor of the batch whose tiles stay within a block.
int64_t samples_of_block(const Conv2dDesc& d, const WinogradTiles& tiles) {
  const int64_t limit = std::max(kBlockBytes, bytes(d.y.c, tiles.depth()));
  const int64_t one = bytes(tiles.per_sample(), tiles.depth() + d.y.c);
  int64_t samples = std::clamp<int64_t>(limit / one, 1, d.x.n);
  while (d.x.n % samples > 0) --samples;
  return samples;
}

class WinogradConv2d final : public Kernel {
 public:
  WinogradConv2d(const Conv2dDesc& d, Conv2dPass pass, int threads)
      : d_(d),
        pass_(pass),
        threads_(threads),
        tiles_(d, threads),
        samples_(samples_of_block(d, tiles_)),
        product_(product()) {}

  size_t scratch_bytes() const override {
    return static_cast<size_t>(filter_bytes() + input_bytes() + output_bytes());
  }

  void run(Stream&, std::span<const TensorView> args, void* scratch) const override {
    auto* at = static_cast<char*>(scratch);
    const Work work{reinterpret_cast<float*>(at), reinterpret_cast<float*>(at + filter_bytes()),
                    reinterpret_cast<float*>(at + filter_bytes() + input_bytes())};
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
    float *filter, *input, *output;  // transformed
  };

  // Of a block.
  TileProduct product() const {
    const int64_t rows = samples_ * tiles_.per_sample(), depth = tiles_.depth(), out = d_.y.c;
    const int64_t input = WinogradTiles::plane(rows, depth);
    const int64_t output = WinogradTiles::plane(rows, out);
    const int64_t filter = WinogradTiles::plane(out, depth);
    switch (pass_) {
      case Conv2dPass::kForward:
        return {kPlanes, rows, out, depth, depth, 1, input, filter, output};
      case Conv2dPass::kBackwardData:
        return {kPlanes, rows, depth, out, out, 1, output, filter, input};
      case Conv2dPass::kBackwardWeights:
        return {kPlanes, out, depth, rows, 1, out, output, input, filter, true};
    }
    return {};
  }

  void forward(std::span<const TensorView> args, const Work& work) const {
    tiles_.filter_transposed(args[2].as<float>(), work.filter);
    for (int64_t n = 0; n < d_.x.n; n += samples_) {
      float* y = args[0].as<float>() + n * d_.y.per_sample();
      tiles_.input(args[1].as<float>() + n * d_.x.per_sample(), samples_, Order::kRows, work.input);
      product_.run(threads_, work.input, work.filter, work.output);
      tiles_.output(work.output, samples_, y);
      finish(y, d_.y, args);
    }
  }

  void backward_data(std::span<const TensorView> args, const Work& work) const {
    tiles_.filter(args[2].as<float>(), work.filter);
    for (int64_t n = 0; n < d_.x.n; n += samples_) {
      float* dx = args[0].as<float>() + n * d_.x.per_sample();
      tiles_.output_adjoint(args[1].as<float>() + n * d_.y.per_sample(), samples_, work.output);
      product_.run(threads_, work.output, work.filter, work.input);
      tiles_.input_adjoint(work.input, samples_, dx);
      finish(dx, d_.x, args);
    }
  }

  void backward_weights(std::span<const TensorView> args, const Work& work) const {
    std::fill_n(work.filter, filter_bytes() / static_cast<int64_t>(sizeof(float)), 0.0f);
    for (int64_t n = 0; n < d_.x.n; n += samples_) {
      tiles_.input(args[1].as<float>() + n * d_.x.per_sample(), samples_, Order::kPanels,
                   work.input);
      tiles_.output_adjoint(args[2].as<float>() + n * d_.y.per_sample(), samples_, work.output);
      product_.run(threads_, work.output, work.input, work.filter);
    }
    tiles_.filter_adjoint(work.filter, d_.accumulate, args[0].as<float>());
  }

  void finish(float* out, const Shape& shape, std::span<const TensorView> args) const {
    Epilogue{d_.bias, d_.activation}.run(out, samples_ * shape.pixels(), shape.c,
                                         static_cast<const float*>(args.back().data));
  }

  int64_t filter_bytes() const { return bytes(d_.y.c, tiles_.depth()); }
  int64_t input_bytes() const { return bytes(samples_ * tiles_.per_sample(), tiles_.depth()); }
  int64_t output_bytes() const { return bytes(samples_ * tiles_.per_sample(), d_.y.c); }

  Conv2dDesc d_;
  Conv2dPass pass_;
  int threads_;
  WinogradTiles tiles_;
  int64_t samples_;  // of a block
  TileProduct product_;
};

}  // namespace

bool winograd_pays(const Conv2dDesc& d) {
  if (!TileProduct::usable() || !WinogradTiles::fits(d)) return false;
  const WinogradTiles tiles(d, 1);
  const int64_t rows = d.x.n * tiles.per_sample(), depth = tiles.depth();
  // What a transformed element costs, in products (2-core AMD EPYC with AVX2).
  constexpr int64_t kPassage = 30;
  const int64_t products = rows * depth * d.y.c;
  const int64_t passages = rows * depth + rows * d.y.c + depth * d.y.c;
  return kPlanes * (products + kPassage * passages) < d.y.elements() * d.w.per_sample();
}

std::shared_ptr<Kernel> make_winograd_conv2d(const Conv2dDesc& desc, Conv2dPass pass, int threads) {
  if (!TileProduct::usable() || !WinogradTiles::fits(desc)) return nullptr;
  return std::make_shared<WinogradConv2d>(desc, pass, threads);
}

}  // namespace gantry
