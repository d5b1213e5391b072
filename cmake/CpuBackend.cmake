# The CPU backend: oneDNN for products and convolutions, Highway for the fused kernels. Either may be absent; the plain
# operators then stand in, slower and equally right.

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

if(TS_HAVE_ONEDNN AND TS_HAVE_HIGHWAY)
  target_sources(ts_core PRIVATE ${cpu_sources})
  target_compile_definitions(ts_core PUBLIC TS_CPU_BACKEND=1)
  target_include_directories(ts_core PUBLIC ${ONEDNN_INCLUDE} ${HIGHWAY_INCLUDE})
  target_link_libraries(ts_core PUBLIC ${ONEDNN_LIBRARY} ${HIGHWAY_LIBRARY})
  file(STRINGS ${ONEDNN_INCLUDE}/oneapi/dnnl/dnnl_config.h onednn_uses_openmp REGEX "define DNNL_CPU_RUNTIME DNNL_RUNTIME_OMP")
  if(onednn_uses_openmp)
    target_link_libraries(ts_core PUBLIC gomp) # product.cpp tells oneDNN to use one thread
  endif()
  # AVX2, AVX-512 and scalar code on x86: what lies between is not worth its compile time.
  set_source_files_properties(${cpu_sources} PROPERTIES COMPILE_DEFINITIONS "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_SSE4)")
endif()
