namespace ThinkSound.Reasoning.Onnx.Families;

internal static class NumberWords
{
    private static readonly string[] s_small =
    [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
        "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    ];

    private static readonly string[] s_tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

    /// <summary>0 to 999 in English words: "one hundred and twenty-one".</summary>
    public static string Of(int number) => number switch
    {
        < 0 or > 999 => throw new ArgumentOutOfRangeException(nameof(number), number, "0 to 999"),
        < 20 => s_small[number],
        < 100 => s_tens[number / 10] + (number % 10 == 0 ? "" : "-" + s_small[number % 10]),
        _ => s_small[number / 100] + " hundred" + (number % 100 == 0 ? "" : " and " + Of(number % 100)),
    };
}
