# Turns a .cu file into C++ that any compiler reads: what the grammar of CUDA adds becomes calls of emulation.h.
#
#   cmake -DSOURCE=<file.cu> -DRESULT=<file.cpp> -P rewrite.cmake
file(READ ${SOURCE} text)

# kernel<<<grid, block, shared, stream>>>(arguments);
string(REGEX REPLACE "([A-Za-z_0-9]+|[A-Za-z_0-9]+<[A-Za-z_0-9:, ]+>)<<<([^;]*)>>>\\(([^;]*)\\);"
  "::ts::emulation::launch(\"\\1\", [=] { \\1(\\3); }, \\2);" text "${text}")
# extern __shared__ __align__(n) type name[];
string(REGEX REPLACE "extern __shared__ __align__\\(([0-9]+)\\) ([a-z_0-9 ]+) ([a-z_]+)\\[\\];"
  "\\2* const \\3 = static_cast<\\2*>(::ts::emulation::dynamic_shared(\\1));" text "${text}")
string(REGEX REPLACE "extern __shared__ ([a-z_0-9 ]+) ([a-z_]+)\\[\\];"
  "\\1* const \\2 = static_cast<\\1*>(::ts::emulation::dynamic_shared(16));" text "${text}")
if(text MATCHES "<<<|cudaLaunchKernelEx|extern __shared__")
  message(FATAL_ERROR "${SOURCE} holds CUDA that rewrite.cmake does not know how to rewrite")
endif()
file(WRITE ${RESULT} "#include \"emulation/emulation.h\"\n#line 1 \"${SOURCE}\"\n${text}")
