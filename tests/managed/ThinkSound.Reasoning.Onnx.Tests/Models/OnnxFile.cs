using System.Runtime.InteropServices;
using System.Text;

namespace ThinkSound.Reasoning.Onnx.Tests.Models;

/// <summary>Elements of a tensor, under the numbers of the ONNX format.</summary>
internal enum Element
{
    F32 = 1,
    I64 = 7,
    Bool = 9,
    F16 = 10,
}

/// <summary>Writes the few kinds of protocol buffer fields that ONNX files are made of.</summary>
internal sealed class ProtoWriter
{
    private readonly MemoryStream _bytes = new();

    public void Number(int field, long value)
    {
        Varint((ulong)field << 3);
        Varint((ulong)value);
    }

    public void Single(int field, float value)
    {
        Varint(((ulong)field << 3) | 5);
        _bytes.Write(BitConverter.GetBytes(value));
    }

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Varint(((ulong)field << 3) | 2);
        Varint((ulong)value.Length);
        _bytes.Write(value);
    }

    public void Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    public void Message(int field, Action<ProtoWriter> write)
    {
        var inner = new ProtoWriter();
        write(inner);
        Bytes(field, inner.ToArray());
    }

    public byte[] ToArray() => _bytes.ToArray();

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) _bytes.WriteByte((byte)(value | 0x80));
        _bytes.WriteByte((byte)value);
    }
}

/// <summary>An ONNX graph put together by hand: operator set 17, without any library.</summary>
internal sealed class OnnxFile
{
    private readonly ProtoWriter _graph = new();
    private int _names;

    public void Input(string name, Element type, params object[] shape) => Value(11, name, type, shape);

    public void Output(string name, Element type, params object[] shape) => Value(12, name, type, shape);

    public string Constant(float[] values, params long[] shape) => Constant(Element.F32, MemoryMarshal.AsBytes(values.AsSpan()), shape);

    public string Constant(long[] values, params long[] shape) => Constant(Element.I64, MemoryMarshal.AsBytes(values.AsSpan()), shape);

    public string Constant(long value) => Constant([value]);

    public string Constant(float value) => Constant([value]);

    /// <summary>A list of numbers, [n].</summary>
    public string List(params long[] values) => Constant(values, values.Length);

    /// <summary>Adds an operator and gives its output a name.</summary>
    public string Node(string type, string[] inputs, params (string Name, object Value)[] attributes)
    {
        string output = $"v{_names++}";
        Node(type, inputs, output, attributes);
        return output;
    }

    public void Node(string type, string[] inputs, string output, params (string Name, object Value)[] attributes) => _graph.Message(1, node =>
    {
        foreach (string input in inputs) node.Text(1, input);
        node.Text(2, output);
        node.Text(4, type);
        foreach ((string name, object value) in attributes)
            node.Message(5, attribute =>
            {
                attribute.Text(1, name);
                switch (value)
                {
                    case float number:
                        attribute.Single(2, number);
                        attribute.Number(20, 1);
                        break;
                    case int or long:
                        attribute.Number(3, Convert.ToInt64(value));
                        attribute.Number(20, 2);
                        break;
                    case long[] numbers:
                        foreach (long number in numbers) attribute.Number(8, number);
                        attribute.Number(20, 7);
                        break;
                    default: throw new ArgumentException($"{name}: {value}");
                }
            });
    });

    public string Cast(string input, Element to) => Node("Cast", [input], ("to", (long)to));

    public void Save(string path)
    {
        _graph.Text(2, "graph");
        var model = new ProtoWriter();
        model.Number(1, 8);
        model.Bytes(7, _graph.ToArray());
        model.Message(8, opset => opset.Number(2, 17));
        File.WriteAllBytes(path, model.ToArray());
    }

    private string Constant(Element type, ReadOnlySpan<byte> data, long[] shape)
    {
        string name = $"c{_names++}";
        byte[] bytes = data.ToArray();
        _graph.Message(5, tensor =>
        {
            foreach (long length in shape) tensor.Number(1, length);
            tensor.Number(2, (long)type);
            tensor.Text(8, name);
            tensor.Bytes(9, bytes);
        });
        return name;
    }

    private void Value(int field, string name, Element type, object[] shape) => _graph.Message(field, value =>
    {
        value.Text(1, name);
        value.Message(2, kind => kind.Message(1, tensor =>
        {
            tensor.Number(1, (long)type);
            tensor.Message(2, dims =>
            {
                foreach (object length in shape)
                    dims.Message(1, dim =>
                    {
                        if (length is string open) dim.Text(2, open);
                        else dim.Number(1, Convert.ToInt64(length));
                    });
            });
        }));
    });
}
