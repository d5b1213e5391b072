// The lists of registers that wgmma's grammar wants, for wgmma.cuh and attention_wgmma.cuh: in the text by sixteens, among the
// operands by eights of at(i), the place of sum i. Source: PTX ISA 8.4, § 9.7.14.
#pragma once

#define TS_WGMMA_REGISTERS_0 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define TS_WGMMA_REGISTERS_16 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define TS_WGMMA_REGISTERS_32 "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define TS_WGMMA_REGISTERS_48 "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define TS_WGMMA_REGISTERS_64 "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79"
#define TS_WGMMA_REGISTERS_80 "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"
#define TS_WGMMA_REGISTERS_96 "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111"
#define TS_WGMMA_REGISTERS_112 "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"

#define TS_WGMMA_SUMS_8(at, i) \
  "+f"(at(i)), "+f"(at(i + 1)), "+f"(at(i + 2)), "+f"(at(i + 3)), "+f"(at(i + 4)), "+f"(at(i + 5)), "+f"(at(i + 6)), "+f"(at(i + 7))
#define TS_WGMMA_SUMS_16(at, i) TS_WGMMA_SUMS_8(at, i), TS_WGMMA_SUMS_8(at, i + 8)
#define TS_WGMMA_SUMS_32(at, i) TS_WGMMA_SUMS_16(at, i), TS_WGMMA_SUMS_16(at, i + 16)
#define TS_WGMMA_SUMS_64(at, i) TS_WGMMA_SUMS_32(at, i), TS_WGMMA_SUMS_32(at, i + 32)
