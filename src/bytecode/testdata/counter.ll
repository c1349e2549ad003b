; A program as the LLVM back end sees one: a BTF map, a static and a global subprogram, .rodata, .bss.
target triple = "bpfel"
%m = type { [1 x i32]*, i32*, i64*, [16 x i32]* }
@counters = dso_local global %m zeroinitializer, section ".maps", align 8, !dbg !0
@limits = internal constant [4 x i32] [i32 5, i32 6, i32 7, i32 8], align 4
@total = dso_local global i64 0, align 8
@_license = dso_local global [4 x i8] c"GPL\00", section "license", align 1

define dso_local i32 @count(i8* %ctx) section "xdp" !dbg !30 {
  %key = alloca i32, align 4
  store i32 7, i32* %key, align 4
  %k = bitcast i32* %key to i8*
  %f = inttoptr i64 1 to i8* (i8*, i8*)*
  %v = call i8* %f(i8* bitcast (%m* @counters to i8*), i8* %k), !dbg !40
  %n = icmp ne i8* %v, null
  %x = zext i1 %n to i64
  %a = call i64 @twice(i64 %x), !dbg !41
  %b = call i64 @index(i64 %a), !dbg !41
  store i64 %b, i64* @total
  %r = trunc i64 %b to i32
  ret i32 %r
}
define internal i64 @pad(i64 %x) noinline !dbg !50 { 
  %y = mul i64 %x, 3
  ret i64 %y
}
define internal i64 @twice(i64 %x) noinline !dbg !51 {
  %p = call i64 @pad(i64 %x), !dbg !55
  %y = add i64 %p, %x
  ret i64 %y
}
define dso_local i64 @index(i64 %x) noinline !dbg !52 {
  %i = and i64 %x, 3
  %p = getelementptr [4 x i32], [4 x i32]* @limits, i64 0, i64 %i
  %v = load i32, i32* %p
  %y = zext i32 %v to i64
  ret i64 %y
}
!llvm.dbg.cu = !{!2}
!llvm.module.flags = !{!20, !21}
!0 = !DIGlobalVariableExpression(var: !1, expr: !DIExpression())
!1 = distinct !DIGlobalVariable(name: "counters", scope: !2, file: !3, line: 3, type: !5, isLocal: false, isDefinition: true)
!2 = distinct !DICompileUnit(language: DW_LANG_C99, file: !3, producer: "by hand", emissionKind: FullDebug, globals: !4)
!3 = !DIFile(filename: "counter.c", directory: "/src")
!4 = !{!0}
!5 = distinct !DICompositeType(tag: DW_TAG_structure_type, file: !3, line: 1, size: 256, elements: !6)
!6 = !{!7, !8, !9, !10}
!7 = !DIDerivedType(tag: DW_TAG_member, name: "type", scope: !5, file: !3, baseType: !11, size: 64, offset: 0)
!8 = !DIDerivedType(tag: DW_TAG_member, name: "key", scope: !5, file: !3, baseType: !12, size: 64, offset: 64)
!9 = !DIDerivedType(tag: DW_TAG_member, name: "value", scope: !5, file: !3, baseType: !13, size: 64, offset: 128)
!10 = !DIDerivedType(tag: DW_TAG_member, name: "max_entries", scope: !5, file: !3, baseType: !14, size: 64, offset: 192)
!11 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !15, size: 64)
!12 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !16, size: 64)
!13 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !17, size: 64)
!14 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !18, size: 64)
!15 = !DICompositeType(tag: DW_TAG_array_type, baseType: !16, size: 32, elements: !22)
!16 = !DIBasicType(name: "int", size: 32, encoding: DW_ATE_signed)
!17 = !DIBasicType(name: "long long unsigned int", size: 64, encoding: DW_ATE_unsigned)
!18 = !DICompositeType(tag: DW_TAG_array_type, baseType: !16, size: 512, elements: !24)
!20 = !{i32 2, !"Debug Info Version", i32 3}
!21 = !{i32 7, !"Dwarf Version", i32 4}
!22 = !{!23}
!23 = !DISubrange(count: 1)
!24 = !{!25}
!25 = !DISubrange(count: 16)
!30 = distinct !DISubprogram(name: "count", scope: !3, file: !3, line: 5, type: !31, scopeLine: 5, unit: !2, retainedNodes: !33, spFlags: DISPFlagDefinition)
!31 = !DISubroutineType(types: !32)
!32 = !{!16, !34}
!33 = !{}
!34 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: null, size: 64)
!40 = !DILocation(line: 7, column: 3, scope: !30)
!41 = !DILocation(line: 8, column: 4, scope: !30)
!50 = distinct !DISubprogram(name: "pad", scope: !3, file: !3, line: 20, type: !56, scopeLine: 1, unit: !2, retainedNodes: !33, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition)
!51 = distinct !DISubprogram(name: "twice", scope: !3, file: !3, line: 21, type: !56, scopeLine: 1, unit: !2, retainedNodes: !33, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition)
!52 = distinct !DISubprogram(name: "index", scope: !3, file: !3, line: 22, type: !56, scopeLine: 1, unit: !2, retainedNodes: !33, spFlags: DISPFlagDefinition)
!55 = !DILocation(line: 21, column: 3, scope: !51)
!56 = !DISubroutineType(types: !57)
!57 = !{!17, !17}
