# The CPU backend: oneDNN for products and convolutions, Highway for the fused kernels. Either may be absent; the plain
# operators then stand in, slower and equally right. What is linked with ts_core says which they are: ts_cpu or, whatever is
# here, ts_plain.

file(GLOB cpu_sources CONFIGURE_DEPENDS native/ops/cpu/*.cpp)
set(TS_HAVE_ONEDNN OFF)
set(TS_HAVE_HIGHWAY OFF)
if(TS_ONEDNN) # not find_package(dnnl): Debian's package file asks for OpenCL's headers, which nothing here uses
  find_path(ONEDNN_INCLUDE oneapi/dnnl/dnnl.hpp)
  find_library(ONEDNN_LIBRARY dnnl)
  if(ONEDNN_INCLUDE AND ONEDNN_LIBRARY)
    set(TS_HAVE_ONEDNN ON)
  endif()
endif()
if(TS_HIGHWAY)
  find_path(HIGHWAY_INCLUDE hwy/highway.h)
  find_library(HIGHWAY_LIBRARY hwy)
  if(HIGHWAY_INCLUDE AND HIGHWAY_LIBRARY)
    set(TS_HAVE_HIGHWAY ON)
  endif()
endif()
message(STATUS "CPU backend: oneDNN ${TS_HAVE_ONEDNN}, Highway ${TS_HAVE_HIGHWAY}")

add_library(ts_plain OBJECT native/ops/table.cpp)
ts_native_target(ts_plain)
if(NOT (TS_HAVE_ONEDNN AND TS_HAVE_HIGHWAY))
  add_library(ts_cpu ALIAS ts_plain)
else()
  add_library(ts_cpu OBJECT native/ops/table.cpp ${cpu_sources})
  ts_native_target(ts_cpu)
  target_compile_definitions(ts_cpu PUBLIC TS_CPU_BACKEND=1)
  target_include_directories(ts_cpu PUBLIC ${ONEDNN_INCLUDE} ${HIGHWAY_INCLUDE})
  target_link_libraries(ts_cpu PUBLIC ${ONEDNN_LIBRARY} ${HIGHWAY_LIBRARY})
  file(STRINGS ${ONEDNN_INCLUDE}/oneapi/dnnl/dnnl_config.h onednn_uses_openmp REGEX "define DNNL_CPU_RUNTIME DNNL_RUNTIME_OMP")
  if(onednn_uses_openmp)
    target_link_libraries(ts_cpu PUBLIC gomp) # product.cpp tells oneDNN to use one thread
  endif()
  # AVX2, AVX-512 and scalar code on x86: what lies between is not worth its compile time.
  set_source_files_properties(${cpu_sources} PROPERTIES COMPILE_DEFINITIONS "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_SSE4)")
endif()
