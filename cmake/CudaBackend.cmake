# libthinksound_cuda: the CUDA operators as a plug-in that libthinksound loads when a device asks for it. Built with
# nvcc 12.4 or later, on a machine with or without a GPU; needs neither the driver nor the toolkit when it runs.

file(GLOB cuda_sources CONFIGURE_DEPENDS native/ops/cuda/*.cu native/ops/cuda/*.cpp)
if(NOT cuda_sources)
  message(STATUS "CUDA backend: native/ops/cuda holds no source file, so there is nothing to build")
  return()
endif()

# nvcc: CMAKE_CUDA_COMPILER or CUDACXX if given, else the folder made by scripts/setup-cuda.sh, PATH, NVIDIA's own.
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(TS_NVCC nvcc
    HINTS $ENV{THINKSOUND_CUDA}/bin $ENV{HOME}/.cache/thinksound/cuda-12.4/bin
    PATHS /usr/local/cuda/bin)
  if(NOT TS_NVCC)
    message(FATAL_ERROR "TS_CUDA is on, but there is no nvcc: run scripts/setup-cuda.sh, or set CUDACXX to an nvcc of 12.4 or later")
  endif()
  set(CMAKE_CUDA_COMPILER ${TS_NVCC})
endif()

# Code for Ampere, Ada and Hopper, and PTX that later cards compile when they load it. All but Hopper's is made from the same PTX:
# no kernel has a way of its own for the others, and getting as far as PTX is half of the work.
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80 90a-real)
  set(ada --generate-code=arch=compute_80,code=[sm_89])
  set(fp8_architectures 89 90a-real)
else()
  set(fp8_architectures ${CMAKE_CUDA_ARCHITECTURES})
  list(FILTER fp8_architectures EXCLUDE REGEX "^8[0-8]")
  if(NOT fp8_architectures)
    set(fp8_architectures 89)
  endif()
endif()
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
set(CMAKE_CUDA_EXTENSIONS OFF)
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION) # CMake before 3.26 does not know how nvcc spells the standard
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
endif()
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.4)
  message(FATAL_ERROR "${CMAKE_CUDA_COMPILER} is ${CMAKE_CUDA_COMPILER_VERSION}; 12.4 or later is needed: run scripts/setup-cuda.sh")
endif()
find_package(CUDAToolkit REQUIRED)
message(STATUS "CUDA backend: nvcc ${CMAKE_CUDA_COMPILER_VERSION} for ${CMAKE_CUDA_ARCHITECTURES} ${ada}")

# The plug-in carries its own copy of core/ and shares no symbol with libthinksound but the one it exports.
file(GLOB cuda_core_sources CONFIGURE_DEPENDS native/core/*.cpp)
list(REMOVE_ITEM cuda_sources ${PROJECT_SOURCE_DIR}/native/ops/cuda/product_quantise.cu) # compiled with its kin below
add_library(thinksound_cuda SHARED ${cuda_sources} ${cuda_core_sources} native/ops/eight_bit_weights.cpp native/ops/resize_weights.cpp)
ts_native_target(thinksound_cuda)
ts_runtime_library(thinksound_cuda)
# As for C++: multiply-adds are fused only where the source says fma.
set(cuda_options --fmad=false -Werror=all-warnings -Xcompiler=-Wall,-Wextra,-Werror,-ffp-contract=off)
target_compile_options(thinksound_cuda PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:${ada};${cuda_options}>")
target_link_libraries(thinksound_cuda PRIVATE CUDA::cudart_static nlohmann_json::nlohmann_json Threads::Threads ${CMAKE_DL_LIBS})
set_target_properties(thinksound_cuda PROPERTIES LINKER_LANGUAGE CXX)

# Products of fp8, whose instructions begin with Ada's: what prepares them, and the kernels of products once more for them alone.
add_library(thinksound_cuda_fp8 OBJECT native/ops/cuda/product_quantise.cu native/ops/cuda/product_mma.cu native/ops/cuda/product_wgmma.cu)
ts_native_target(thinksound_cuda_fp8)
set_target_properties(thinksound_cuda_fp8 PROPERTIES CUDA_ARCHITECTURES "${fp8_architectures}")
target_compile_definitions(thinksound_cuda_fp8 PRIVATE TS_CUDA_FP8)
target_compile_options(thinksound_cuda_fp8 PRIVATE ${cuda_options})
target_sources(thinksound_cuda PRIVATE $<TARGET_OBJECTS:thinksound_cuda_fp8>)
