// SPDX-License-Identifier: Apache-2.0
#pragma once

// What differs between oneDNN 2 (operation descriptors) and 3 (none). Nothing else in Gantry
// looks at the version.
#include <oneapi/dnnl/dnnl.hpp>

namespace gantry::dnnl_shim {

#if DNNL_VERSION_MAJOR >= 3
template <typename Op, typename... Args>
typename Op::primitive_desc describe(const dnnl::engine& engine,
                                     const dnnl::primitive_attr& attributes, const Args&... args) {
  return typename Op::primitive_desc(engine, args..., attributes);
}
// The last argument is the forward descriptor that a backward one takes as a hint.
template <typename Op, typename Hint, typename... Args>
typename Op::primitive_desc describe_backward(const dnnl::engine& engine,
                                              const dnnl::primitive_attr& attributes,
                                              const Hint& hint, const Args&... args) {
  return typename Op::primitive_desc(engine, args..., hint, attributes);
}
inline void append_eltwise(dnnl::post_ops& post, dnnl::algorithm kind, float alpha) {
  post.append_eltwise(kind, alpha, 0.0f);
}
#else
template <typename Op, typename... Args>
typename Op::primitive_desc describe(const dnnl::engine& engine,
                                     const dnnl::primitive_attr& attributes, const Args&... args) {
  return typename Op::primitive_desc(typename Op::desc(args...), attributes, engine);
}
template <typename Op, typename Hint, typename... Args>
typename Op::primitive_desc describe_backward(const dnnl::engine& engine,
                                              const dnnl::primitive_attr& attributes,
                                              const Hint& hint, const Args&... args) {
  return typename Op::primitive_desc(typename Op::desc(args...), attributes, engine, hint);
}
inline void append_eltwise(dnnl::post_ops& post, dnnl::algorithm kind, float alpha) {
  post.append_eltwise(1.0f, kind, alpha, 0.0f);
}
#endif

}  // namespace gantry::dnnl_shim
